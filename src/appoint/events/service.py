"""The relay: delivers events from the outbox to their subscribers."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from ..database.pool import Database, Transaction
from ..kit import errors, tracing
from . import repository
from .model import Event, StoredEvent, decode_fact, retry_delay

log = structlog.get_logger()

BATCH_SIZE: Final = 500

Subscriber = Callable[[Transaction, Sequence[Event]], Awaitable[None]]
"""Applies the effects of a batch of events in the relay's transaction.

The rows it writes and the removal of the events from the outbox are committed together or not at all, so each effect
happens once. Subscribers only record messages to external systems; jobs send them. A batch has at most one event per
subject.
"""


async def relay(db: Database, subscribers: Sequence[Subscriber], *, now: datetime) -> int:
    """Relay a batch of events to the subscribers, oldest first and in order per subject. Return how many were relayed.

    The subscribers' writes and the removal from the outbox share one transaction, so if a worker dies, neither takes
    effect. If a subscriber fails, relay the batch's events one by one, so that a failing event delays only its own
    subject; park it after its last attempt. Raise `Unavailable` if the database is unreachable, which does not count as
    an attempt for any event.
    """
    batch: list[repository.OutboxEvent] = []

    async def all_together(tx: Transaction) -> int:
        batch[:] = await repository.take_batch(tx, now=now, limit=BATCH_SIZE)
        await _notify(tx, subscribers, batch)
        return len(batch)

    try:
        return await db.atomic(all_together)
    except errors.Unavailable:
        raise
    except Exception as error:
        if not batch:
            raise
        log.warning("batch of events failed, relaying one by one", events=len(batch), error=type(error).__name__)
    relay_count = 0
    for stored in batch:
        relay_count += await _relay_one(db, subscribers, stored, now=now)
    return relay_count


async def _relay_one(db: Database, subscribers: Sequence[Subscriber], stored: StoredEvent, *, now: datetime) -> bool:
    """Relay one event. Return False if it failed, or if another worker has relayed it in the meantime."""

    async def work(tx: Transaction) -> bool:
        event = await repository.take_one(tx, clinic_id=stored.clinic_id, event_id=stored.id)
        if event:
            await _notify(tx, subscribers, [event])
        return event is not None

    try:
        return await db.atomic(work)
    except errors.Unavailable:
        raise
    except Exception as error:
        failures = await repository.count_attempts(db, clinic_id=stored.clinic_id, event_id=stored.id)
        if failures is None:
            return False
        wait = retry_delay(failures + 1)
        await repository.postpone(
            db, clinic_id=stored.clinic_id, event_id=stored.id, fault=type(error).__name__, wait=wait, now=now
        )
        if wait is None:
            await repository.park_followers(db, now=now)
            log.exception("event parked", type=stored.type, event_id=str(stored.id), clinic_id=stored.clinic_id)
        return False


async def _notify(tx: Transaction, subscribers: Sequence[Subscriber], batch: Sequence[StoredEvent]) -> None:
    events = [event_of(stored) for stored in batch]
    if events:
        with tracing.job_span("relay", (event.traceparent for event in events)):
            for subscriber in subscribers:
                await subscriber(tx, events)


def event_of(stored: StoredEvent) -> Event:
    """Return an event from the outbox or the log with its fact decoded.

    Raise `msgspec.ValidationError` or `KeyError` if its data does not match the catalogue.
    """
    return Event(
        stored.clinic_id,
        stored.id,
        stored.type,
        stored.subject_id,
        stored.subject_version,
        decode_fact(stored.type, stored.data),
        stored.traceparent,
        stored.created_at,
    )
