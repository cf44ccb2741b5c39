"""Read clinics' catalogues through the cache."""

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
    """Internal signal: the use case's catalogue is older than the database."""


async def get(db: Statements, cache: ClinicCache, clinic_id: int) -> Catalogue:
    """Return the clinic's catalogue, or raise `NotFound`. The catalogue may be up to ten minutes old, so writers must
    check its versions again."""
    catalogue = await cache.get(clinic_id, "catalogue", lambda: repository.load(db.current, clinic_id))
    if catalogue is None:
        raise errors.NotFound
    return catalogue


async def find_by_name(db: Statements, cache: ClinicCache, name: str) -> Catalogue:
    """Return the catalogue of the clinic with the slug or id in a page's address.

    Run at most one statement, unless the clinic's slug has changed. Raise `NotFound` for an unknown or inactive clinic.
    """
    number = int(name) if NUMBER.fullmatch(name) and int(name) <= MAX_CLINIC_ID else None
    loaded: Catalogue | None = None

    async def load() -> int | None:
        nonlocal loaded
        loaded = await repository.load(db.current, number, slug=name) if SLUG.fullmatch(name) else None
        return loaded.clinic_id if loaded else None

    clinic_id = await cache.get(PLATFORM, f"clinic named {name}", load)
    catalogue = loaded or (await get(db, cache, clinic_id) if clinic_id else None)
    # the clinic has changed its slug, and another clinic may have taken the old one
    if catalogue and catalogue.slug != name and catalogue.clinic_id != number:
        catalogue = await repository.load(db.current, number, slug=name)
    if catalogue is None or not catalogue.active:
        raise errors.NotFound
    return catalogue


async def reload(db: Statements, cache: ClinicCache, clinic_id: int) -> Catalogue:
    """Return the clinic's catalogue, bypassing the cache."""
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
    """Run a use case with the cached catalogue, then again with a reloaded one as long as it raises `Stale`.

    The use case also receives the number of the attempt. Only attempt 0 can have an outdated catalogue, so its
    `NotFound` counts as stale too. Allow one extra attempt per doctor, because concurrent requests may take the doctors
    one by one. Raise `exhausted` after the last attempt.
    """
    catalogue = await get(db, cache, clinic_id)
    for attempt in range(MAX_ATTEMPTS + len(catalogue.doctors)):
        try:
            return await use_case(catalogue, attempt)
        except errors.NotFound:
            if attempt:
                raise
        except Stale:
            pass
        db.use_current()  # the catalogue may be newer than what a replica has
        catalogue = await reload(db, cache, clinic_id)
    raise exhausted
