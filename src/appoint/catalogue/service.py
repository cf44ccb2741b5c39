"""The catalogue, from the cache."""

from .. import errors
from ..caching import ClinicCache
from ..database.pool import Statements
from . import repository
from .model import Catalogue


async def of(db: Statements, cache: ClinicCache, clinic_id: int) -> Catalogue:
    """The clinic's catalogue, up to ten minutes old: who writes by it re-checks its versions. Raises `NotFound`."""
    catalogue = await cache.get(clinic_id, "catalogue", lambda: repository.load(db, clinic_id))
    if catalogue is None:
        raise errors.NotFound
    return catalogue


async def afresh(db: Statements, cache: ClinicCache, clinic_id: int) -> Catalogue:
    """The same, as it is now."""
    cache.forget(clinic_id)
    return await of(db, cache, clinic_id)
