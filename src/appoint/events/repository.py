"""SQL for the outbox and the event log. The relay works across all clinics."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from ..database.pool import Statements, affected, to
from ..kit import tracing


class OutboxEvent(NamedTuple):
    """An event that the caller's transaction moves from the outbox to the log. See `model.StoredEvent`."""

    clinic_id: int
    id: UUID
    type: str
    subject_id: str
    subject_version: int
    data: str
    traceparent: str | None
    created_at: datetime


class ParkedEvent(msgspec.Struct, frozen=True):
    """An event that failed too often, or that is waiting behind one that did."""

    clinic_id: int
    id: UUID
    type: str
    subject_id: str
    subject_version: int
    attempts: int
    fault: str | None
    created_at: datetime
    parked_at: datetime


async def take_batch(tx: Statements, *, now: datetime, limit: int) -> list[OutboxEvent]:
    """Move the oldest due events, at most one per subject, from the outbox to the log, and return them.

    Take only a subject's first event. Other workers cannot take the next one until this transaction ends, because they
    still see the first. Concurrent workers take different events.
    """
    rows = await tx.fetch(
        """
        with first as (
          select clinic_id, id from event e
           where parked_at is null and (due_at is null or due_at <= $1)
             and (of_clinic_id is null or exists (select from clinic c where c.id = e.of_clinic_id))  -- has not moved
             and not exists (select from event earlier
                              where earlier.clinic_id = e.clinic_id and earlier.subject_id = e.subject_id
                                and (earlier.subject_version, earlier.id) < (e.subject_version, e.id))
           order by id
           limit $2
             for update skip locked
        ), taken as (
          delete from event e using first
           where e.clinic_id = first.clinic_id and e.id = first.id
          returning e.clinic_id, e.id, e.type, e.subject_id, e.subject_version, e.data, e.traceparent, e.created_at
        ), logged as (
          insert into event_log (clinic_id, id, type, subject_id, subject_version, data, traceparent, created_at)
          select * from taken
        )
        select * from taken order by id
        """,
        now,
        limit,
    )
    return [OutboxEvent(*row) for row in rows]


async def take_one(tx: Statements, *, clinic_id: int, event_id: UUID) -> OutboxEvent | None:
    """Move one event from the outbox to the log and return it, unless another worker has taken it."""
    row = await tx.fetchrow(
        """
        with single as (
          select clinic_id, id from event where clinic_id = $1 and id = $2 and parked_at is null for update skip locked
        ), taken as (
          delete from event e using single
           where e.clinic_id = single.clinic_id and e.id = single.id
          returning e.clinic_id, e.id, e.type, e.subject_id, e.subject_version, e.data, e.traceparent, e.created_at
        ), logged as (
          insert into event_log (clinic_id, id, type, subject_id, subject_version, data, traceparent, created_at)
          select * from taken
        )
        select * from taken
        """,
        clinic_id,
        event_id,
    )
    return OutboxEvent(*row) if row else None


async def count_attempts(db: Statements, *, clinic_id: int, event_id: UUID) -> int | None:
    """Return how many times the event has failed, or None if it is no longer in the outbox."""
    return await db.fetchval("select attempts from event where clinic_id = $1 and id = $2", clinic_id, event_id)


async def postpone(
    db: Statements, *, clinic_id: int, event_id: UUID, fault: str, wait: timedelta | None, now: datetime
) -> None:
    """Record a failed attempt. Retry the event after `wait`. If that is None, park it instead, which also holds back
    its subject's later events."""
    await db.execute(
        """
        update event
           set attempts = attempts + 1, fault = $3, due_at = $5::timestamptz + $4::interval,
               parked_at = case when $4::interval is null then $5 end
         where clinic_id = $1 and id = $2
        """,
        clinic_id,
        event_id,
        fault,
        wait,
        now,
    )


async def park_followers(db: Statements, *, now: datetime) -> int:
    """Park the events waiting behind a parked one, so that the relay does not keep checking them. Return how many were
    parked."""
    tag = await db.execute(
        """
        update event e set parked_at = $1, fault = 'waits behind an earlier event for its subject'
         where parked_at is null
           and exists (select from event p
                        where p.parked_at is not null and p.clinic_id = e.clinic_id and p.subject_id = e.subject_id
                          and (p.subject_version, p.id) < (e.subject_version, e.id))
        """,
        now,
    )
    return affected(tag)


async def list_parked(db: Statements, *, limit: int) -> list[ParkedEvent]:
    """Return parked events from all clinics, oldest first."""
    rows = await db.fetch(
        """
        select clinic_id, id, type, subject_id, subject_version, attempts, fault, created_at, parked_at
          from event
         where parked_at is not null
         order by id
         limit $1
        """,
        limit,
    )
    return [to(ParkedEvent, row) for row in rows]


async def release(db: Statements, *, ids: Sequence[UUID] | None) -> int:
    """Reset the attempts of the given parked events, or of all of them, and of any events waiting behind them. Return
    how many were reset."""
    tag = await db.execute(
        """
        update event e set parked_at = null, attempts = 0, due_at = null, fault = null
         where parked_at is not null
           and ($1::uuid[] is null
                or exists (select from event chosen
                            where chosen.id = any($1)
                              and chosen.clinic_id = e.clinic_id and chosen.subject_id = e.subject_id))
        """,
        ids,
    )
    return affected(tag)


async def delete_relayed(db: Statements, *, before: datetime) -> int:
    """Delete all clinics' log entries for events relayed before the given time. Return how many were deleted."""
    tag = await db.execute("delete from event_log where relayed_at < $1", before)
    return affected(tag)


async def append_event(
    tx: Statements, *, clinic_id: int, type: str, subject_id: str, subject_version: int, data: str
) -> None:
    """Append an event, for features that cannot do so in their own statement."""
    await tx.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
        values ($1, $2, $3, $4, $5::text::jsonb, $6)
        """,
        clinic_id,
        type,
        subject_id,
        subject_version,
        data,
        tracing.traceparent(),
    )
