"""Daily report sums. The relay's transaction notes the days an event affects, and right afterwards the worker
recalculates the sums for those days."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from ...database.pool import Database, Statements, Transaction
from ...events.model import Event
from . import repository
from .model import HourSums, ReportedDoctor, Step, Sums, affected_days

SUM_BATCH_SIZE: Final = 500
"""How many notes of affected days one transaction processes."""

SEARCHED_DAYS: Final = timedelta(days=14)


async def note(tx: Transaction, events: Sequence[Event]) -> None:
    """Event subscriber: note the days whose sums must be recalculated. Several events on the same day cause only one
    recalculation."""
    if days := list(dict.fromkeys(chain.from_iterable(affected_days(event) for event in events if event.clinic_id))):
        await repository.note_days(tx, days)


async def sum_up(db: Database, *, clinic_id: int | None = None) -> None:
    """Recalculate the sums for all noted days. Each day is calculated completely from its source rows, so repeats and
    order do not matter."""
    while await db.atomic(_sum_batch, clinic_id=clinic_id):
        pass


async def note_coming_days(db: Database, *, now: datetime) -> None:
    """Note the days that searches cover, although no event has affected them. This is for days that the previous
    release's worker summed: it does not know how much time doctors have left.
    """
    today = now.date()
    await repository.note_coming_days(db, first=today - timedelta(days=1), last=today + SEARCHED_DAYS)


async def _sum_batch(tx: Transaction, *, clinic_id: int | None) -> int:
    await repository.lock_sums(tx)
    return await repository.sum_noted_days(tx, clinic_id=clinic_id, limit=SUM_BATCH_SIZE)


async def rebuild(db: Database, clinic_ids: Sequence[int], *, done: Callable[[int], None]) -> None:
    """Recalculate the sums for all of the clinics' days. Call `done` after each clinic."""
    for clinic_id in clinic_ids:
        await repository.note_all_days(db, clinic_id)
        await sum_up(db, clinic_id=clinic_id)
        done(clinic_id)


async def list_doctors(db: Statements, clinic_id: int) -> list[ReportedDoctor]:
    """Return a clinic's doctors, former ones last."""
    return await repository.doctors(db, clinic_id)


async def totals(
    db: Statements, *, clinic_id: int, doctor_id: UUID | None, first: date, since: date, last: date
) -> tuple[Sums, Sums]:
    """Return two sums: one for the dates from `first` up to, but not including, `since`, and one for the dates from
    `since` to `last`."""
    return await repository.totals(db, clinic_id=clinic_id, doctor_id=doctor_id, first=first, since=since, last=last)


async def over_time(
    db: Statements, *, clinic_id: int, doctor_id: UUID | None, first: date, last: date, unit: str
) -> list[Step]:
    """Return the sums by day, week or month, earliest first. Empty steps are left out."""
    return await repository.over_time(db, clinic_id=clinic_id, doctor_id=doctor_id, first=first, last=last, unit=unit)


async def by_hour(db: Statements, *, clinic_id: int, doctor_id: UUID | None, first: date, last: date) -> list[HourSums]:
    """Return the published and booked minutes for each hour of the day, by doctor and by weekday."""
    return await repository.by_hour(db, clinic_id=clinic_id, doctor_id=doctor_id, first=first, last=last)
