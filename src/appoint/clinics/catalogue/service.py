"""The catalogue, from the cache."""

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ...database.pool import Statements
from ...kit import errors
from ...kit.cache import ClinicCache
from ...kit.ids import MAX_CLINIC_ID, PLATFORM
from . import repository
from .model import Catalogue

NUMBER: Final = re.compile("[1-9][0-9]{0,9}")
SLUG: Final = re.compile("[a-z0-9-]{1,100}")
MAX_ATTEMPTS: Final = 5
T = TypeVar("T")


class Stale(Exception):
    """A signal, never seen outside: the catalogue that a use case got is older than the database."""


async def get(db: Statements, cache: ClinicCache, clinic_id: int) -> Catalogue:
    """The clinic's catalogue, up to ten minutes old: who writes by it re-checks its versions. Raises `NotFound`."""
    catalogue = await cache.get(clinic_id, "catalogue", lambda: repository.load(db, clinic_id))
    if catalogue is None:
        raise errors.NotFound
    return catalogue


async def named(db: Statements, cache: ClinicCache, name: str) -> Catalogue:
    """The catalogue of the clinic that a page's address names, by its slug or its number. One statement at most, as
    long as the clinic keeps its slug.

    Raises `NotFound`, also for a clinic that is not active.
    """
    number = int(name) if NUMBER.fullmatch(name) and int(name) <= MAX_CLINIC_ID else None
    loaded: Catalogue | None = None

    async def look() -> int | None:
        nonlocal loaded
        loaded = await repository.load(db, number, slug=name) if SLUG.fullmatch(name) else None
        return loaded.clinic_id if loaded else None

    clinic_id = await cache.get(PLATFORM, f"clinic named {name}", look)
    book = loaded or (await get(db, cache, clinic_id) if clinic_id else None)
    if (
        book and book.slug != name and book.clinic_id != number
    ):  # it has another slug now, and the one it had may be somebody else's
        book = await repository.load(db, number, slug=name)
    if book is None or not book.active:
        raise errors.NotFound
    return book


async def afresh(db: Statements, cache: ClinicCache, clinic_id: int) -> Catalogue:
    """The same, as it is now."""
    cache.forget(clinic_id)
    return await get(db, cache, clinic_id)


async def with_fresh(
    db: Statements,
    cache: ClinicCache,
    clinic_id: int,
    use_case: Callable[[Catalogue, int], Awaitable[T]],
    *,
    exhausted: errors.AppointError,
) -> T:
    """Run a use case with the clinic's catalogue from the cache, and again with a fresh one as long as that is stale.

    The use case takes the number of the attempt too: the first, 0, is the only one whose catalogue may be old. It
    raises `Stale` to run again; `NotFound` counts from the second attempt on. Each doctor adds an attempt, since each
    may be lost to another caller. Raise `exhausted` after the last.
    """
    book = await get(db, cache, clinic_id)
    for attempt in range(MAX_ATTEMPTS + len(book.doctors)):
        try:
            return await use_case(book, attempt)
        except errors.NotFound:
            if attempt:
                raise
        except Stale:
            pass
        book = await afresh(db, cache, clinic_id)
    raise exhausted
