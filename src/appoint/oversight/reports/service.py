"""Keeping the sums: what an event touches is written down in the relay's transaction, and those days are summed anew
right after."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from ...database.pool import Database, Transaction
from ...events.model import Event
from . import repository
from .model import touched

BATCH: Final = 500
"""Notes of touched days that are done with in one transaction."""


async def note(tx: Transaction, events: Sequence[Event]) -> None:
    """Subscribes to events: writes down which days are to be summed anew. Many events of a day are one sum."""
    if days := list(dict.fromkeys(chain.from_iterable(touched(event) for event in events if event.clinic_id))):
        await repository.touch(tx, days)


async def sum_up(db: Database, *, clinic_id: int | None = None) -> None:
    """Sum the days anew that something has changed of, until none is left. A day is always summed whole, from what
    there is, so it does not matter how often or in what order that is done."""
    while await db.atomic(_some, clinic_id=clinic_id):
        pass


async def _some(tx: Transaction, *, clinic_id: int | None) -> int:
    await repository.take_turn(tx)
    return await repository.sum_up(tx, clinic_id=clinic_id, most=BATCH)


async def rebuild(db: Database, clinic_ids: Sequence[int], *, done: Callable[[int], None]) -> None:
    """Sum all days of the clinics anew; tells of each."""
    for clinic_id in clinic_ids:
        await repository.touch_all(db, clinic_id)
        await sum_up(db, clinic_id=clinic_id)
        done(clinic_id)
