"""Check that all stored data follows the rules that the database's constraints and Appoint's code enforce.

The checks don't rely on the constraints: they also find data that was written while a constraint was missing, or that a
damaged index hides.
"""

from collections.abc import AsyncGenerator, Callable, Iterable

from ...database.pool import Database, Statements
from ...kit import errors
from . import repository
from .model import MAX_SUBJECTS, InvariantReport, Violation


async def list_clinics(db: Statements, *, after: int | None = None, limit: int | None = None) -> list[int]:
    """Return the numbers of the platform (0) and of all clinics, in order."""
    return await repository.list_clinics(db, after=after, limit=limit)


async def expect_clinic(db: Statements, clinic_id: int) -> None:
    """Raise `NotFound` if the clinic does not exist. The platform is number 0."""
    if await repository.list_clinics(db, after=clinic_id - 1, limit=1) != [clinic_id]:
        raise errors.NotFound


def count_invariants(clinic_ids: Iterable[int]) -> int:
    """Return how many checks these clinics need."""
    return sum(len(repository.invariants_of(clinic_id)) for clinic_id in clinic_ids)


async def check(
    db: Database, *, clinic_ids: Iterable[int], on_progress: Callable[[int], object] = lambda _: None
) -> AsyncGenerator[InvariantReport]:
    """Check each clinic's invariants, and yield one report per clinic. Call `on_progress` with 1 after each check.

    Each check is one statement in a read-only transaction, with the pool's statement timeout.
    """
    reading = db.reading()
    for clinic_id in clinic_ids:
        names = repository.invariants_of(clinic_id)
        violations = list[Violation]()
        for name in names:
            if subjects := await repository.list_violations(reading, name, clinic_id):
                meaning = repository.meaning_of(name)
                violations.append(Violation(name.replace("_", "-"), meaning, len(subjects), subjects[:MAX_SUBJECTS]))
            on_progress(1)
        yield InvariantReport(clinic_id, len(names), violations)
