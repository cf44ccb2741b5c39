"""The relay: from the outbox to everyone who has to know."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from ..database.pool import Database, Row, Transaction
from ..kit import errors
from . import repository
from .model import Event, read, wait_after

log = structlog.get_logger()

BATCH: Final = 500

Subscriber = Callable[[Transaction, Sequence[Event]], Awaitable[None]]
"""Does, in the relay's own transaction, what a batch of events causes. Its rows and the events' leaving the outbox are
committed together or not at all, so each effect happens once; what has to leave the building is written down here and
sent by others. Of one subject a batch has one event at most."""


async def relay(db: Database, subscribers: Sequence[Subscriber], *, now: datetime) -> int:
    """Tell the subscribers of a batch of events, oldest first, each subject's in order; returns how many were told.

    What subscribers write and the events' leaving the outbox are one transaction: a worker that dies leaves both
    undone. A batch with an event that a subscriber fails at is taken apart, so that the failing one holds up nobody but
    its own subject; after its tries it is parked. Raises `Unavailable` when the database is away, which is no event's
    fault.
    """
    batch: list[Row] = []

    async def all_together(tx: Transaction) -> int:
        batch[:] = await repository.take(tx, now=now, most=BATCH)
        await _tell(tx, subscribers, batch)
        return len(batch)

    try:
        return await db.atomic(all_together)
    except errors.Unavailable:
        raise
    except Exception as error:
        if not batch:
            raise
        log.warning("a batch of events is taken apart", events=len(batch), error=type(error).__name__)
    told = 0
    for row in batch:
        told += await _alone(db, subscribers, row, now=now)
    return told


async def _alone(db: Database, subscribers: Sequence[Subscriber], row: Row, *, now: datetime) -> bool:
    """Tell of one event; False when it failed, or somebody else has told of it meanwhile."""

    async def work(tx: Transaction) -> bool:
        taken = await repository.take_one(tx, clinic_id=row.clinic_id, event_id=row.id)
        if taken:
            await _tell(tx, subscribers, [taken])
        return taken is not None

    try:
        return await db.atomic(work)
    except errors.Unavailable:
        raise
    except Exception as error:
        failed = await repository.attempts(db, clinic_id=row.clinic_id, event_id=row.id)
        if failed is None:
            return False
        wait = wait_after(failed + 1)
        await repository.put_off(
            db, clinic_id=row.clinic_id, event_id=row.id, fault=type(error).__name__, wait=wait, now=now
        )
        if wait is None:
            await repository.park_followers(db, now=now)
            log.exception("event parked", type=row.type, event_id=str(row.id), clinic_id=row.clinic_id)
        return False


async def _tell(tx: Transaction, subscribers: Sequence[Subscriber], rows: Sequence[Row]) -> None:
    events = [event_of(row) for row in rows]
    if events:
        for subscriber in subscribers:
            await subscriber(tx, events)


def event_of(row: Row) -> Event:
    """The event of a row of the outbox or the log. Raises `msgspec.ValidationError` or `KeyError` for what the
    catalogue does not know."""
    return Event(
        row.clinic_id,
        row.id,
        row.type,
        row.subject_id,
        row.subject_version,
        read(row.type, row.data),
        row.traceparent,
        row.created_at,
    )
