"""Everything the outbox and the log of events are asked. The relay is the platform's: it goes through all clinics."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ..database.pool import Row, Statements


async def take(tx: Statements, *, now: datetime, most: int) -> list[Row]:
    """Take the oldest events that may be told now, at most one of each subject, out of the outbox and into the log.

    Of a subject only the first is ever taken, and nobody takes the next before this transaction has ended: until then
    the first is still there to see. Several workers take different events at the same time.
    """
    return await tx.fetch(
        """
        with first as (
          select clinic_id, id from event e
           where parked_at is null and (due_at is null or due_at <= $1)
             and not exists (select from event before
                              where before.clinic_id = e.clinic_id and before.subject_id = e.subject_id
                                and (before.subject_version, before.id) < (e.subject_version, e.id))
           order by id
           limit $2
             for update skip locked
        ), gone as (
          delete from event e using first
           where e.clinic_id = first.clinic_id and e.id = first.id
          returning e.clinic_id, e.id, e.type, e.subject_id, e.subject_version, e.data, e.traceparent, e.created_at
        ), kept as (
          insert into event_log (clinic_id, id, type, subject_id, subject_version, data, traceparent, created_at) select * from gone
        )
        select * from gone order by id
        """,
        now,
        most,
    )


async def take_one(tx: Statements, *, clinic_id: int, event_id: UUID) -> Row | None:
    """Take this one event, if nobody else has."""
    return await tx.fetchrow(
        """
        with one as (
          select clinic_id, id from event where clinic_id = $1 and id = $2 and parked_at is null for update skip locked
        ), gone as (
          delete from event e using one
           where e.clinic_id = one.clinic_id and e.id = one.id
          returning e.clinic_id, e.id, e.type, e.subject_id, e.subject_version, e.data, e.traceparent, e.created_at
        ), kept as (
          insert into event_log (clinic_id, id, type, subject_id, subject_version, data, traceparent, created_at) select * from gone
        )
        select * from gone
        """,
        clinic_id,
        event_id,
    )


async def attempts(db: Statements, *, clinic_id: int, event_id: UUID) -> int | None:
    """How often the event has failed; None when it is not in the outbox any more."""
    return await db.fetchval("select attempts from event where clinic_id = $1 and id = $2", clinic_id, event_id)


async def put_off(
    db: Statements, *, clinic_id: int, event_id: UUID, fault: str, wait: timedelta | None, now: datetime
) -> None:
    """The event failed once more: it is tried again after `wait`; with None it is parked, and those of its subject wait
    behind it."""
    await db.execute(
        """
        update event
           set attempts = attempts + 1, fault = $3, due_at = $5::timestamptz + $4::interval, parked_at = case when $4::interval is null then $5 end
         where clinic_id = $1 and id = $2
        """,
        clinic_id,
        event_id,
        fault,
        wait,
        now,
    )


async def park_followers(db: Statements, *, now: datetime) -> int:
    """Park what waits behind a parked event, so that nobody looks at it again and again. Returns how many."""
    done = await db.execute(
        """
        update event e set parked_at = $1, fault = 'waits behind an earlier event of its subject'
         where parked_at is null
           and exists (select from event p
                        where p.parked_at is not null and p.clinic_id = e.clinic_id and p.subject_id = e.subject_id
                          and (p.subject_version, p.id) < (e.subject_version, e.id))
        """,
        now,
    )
    return int(done.rsplit(" ", 1)[-1])


async def parked(db: Statements, *, most: int) -> list[Row]:
    """Parked events of all clinics, oldest first."""
    return await db.fetch(
        """
        select clinic_id, id, type, subject_id, subject_version, attempts, fault, created_at, parked_at
          from event
         where parked_at is not null
         order by id
         limit $1
        """,
        most,
    )


async def release(db: Statements, *, ids: Sequence[UUID] | None) -> int:
    """Give parked events, all or those named, their tries again, with those that wait behind them. Returns how many."""
    done = await db.execute(
        """
        update event e set parked_at = null, attempts = 0, due_at = null, fault = null
         where parked_at is not null
           and ($1::uuid[] is null
                or exists (select from event n where n.id = any($1) and n.clinic_id = e.clinic_id and n.subject_id = e.subject_id))
        """,
        ids,
    )
    return int(done.rsplit(" ", 1)[-1])


async def forget(db: Statements, *, before: datetime) -> int:
    """Forget what was relayed before then, at all clinics. Returns how much."""
    done = await db.execute("delete from event_log where relayed_at < $1", before)
    return int(done.rsplit(" ", 1)[-1])


async def tell(tx: Statements, *, clinic_id: int, type: str, subject_id: str, subject_version: int, data: str) -> None:
    """Append an event, for features whose own statement cannot."""
    await tx.execute(
        "insert into event (clinic_id, type, subject_id, subject_version, data) values ($1, $2, $3, $4, $5::text::jsonb)",
        clinic_id,
        type,
        subject_id,
        subject_version,
        data,
    )
