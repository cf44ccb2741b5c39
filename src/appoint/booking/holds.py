"""Expire holds."""

from datetime import datetime
from typing import Final

from ..database.pool import Statements
from . import repository

BATCH_SIZE: Final = 500


async def expire_holds(db: Statements, *, now: datetime) -> int:
    """Cancel all expired holds in batches, and return how many there were."""
    total = 0
    while expired := await repository.expire_holds(db, now=now, limit=BATCH_SIZE):
        total += expired
        if expired < BATCH_SIZE:
            break
    return total
