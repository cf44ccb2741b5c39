"""The workers' health and the queues' lengths, for monitoring."""

from datetime import datetime
from typing import Final

import msgspec

from .pool import Statements, to
from .sql import load

MAX_COUNT: Final = 100_000
QUEUE_LENGTHS: Final = load(__name__, "queue_lengths")


class QueueLengths(msgspec.Struct, frozen=True):
    """The queues' lengths. Each `…_lag` is the age of the oldest entry in seconds, or 0 if the queue is empty."""

    events: int
    event_lag: float
    parked_events: int
    dead_email: int
    dead_sms: int
    email_lag: float
    sms_lag: float
    failing_webhooks: int
    broker_messages: int
    failed_jobs: int
    payment_drifts: int
    violations: int
    unsealed: int
    unsealed_lag: float


async def read_clock(db: Statements) -> datetime:
    """Return the current time in the database."""
    return await db.fetchval("select clock_timestamp()")


async def beat(db: Statements, *, worker: str) -> None:
    """Record that the worker is alive, and delete workers that have been silent for a day."""
    await db.execute(
        """
        with silent as (
          delete from worker_heartbeat where seen_at < now() - interval '1 day' and worker <> $1
        )
        insert into worker_heartbeat (worker, seen_at) values ($1, now())
        on conflict (worker) do update set seen_at = excluded.seen_at
        """,
        worker,
    )


async def leave(db: Statements, *, worker: str) -> None:
    """Delete the heartbeat of a worker that has stopped."""
    await db.execute("delete from worker_heartbeat where worker = $1", worker)


async def worker_silence(db: Statements) -> float | None:
    """Return the seconds since the last heartbeat from any worker, or None if there has been none."""
    return await db.fetchval("select extract(epoch from now() - max(seen_at))::float8 from worker_heartbeat")


class BackupState(msgspec.Struct, frozen=True):
    """How old the parts of the backups are, in seconds (None if there are none yet), and what they lack."""

    wal: float | None
    """The age of the newest change that is stored."""
    base: float | None
    check: float | None
    """How long ago the backups were last restored and checked."""
    gaps: int
    """How many periods that have ended cannot be restored."""
    last_began_at: datetime | None
    """When the last of them began."""
    last_ended_at: datetime | None
    open_since: datetime | None
    """The moment after which no change can be restored until there is a new base backup."""


async def read_backups(db: Statements) -> BackupState | None:
    """Return the state of the backups, or None if no worker makes any."""
    row = await db.fetchrow(
        """
        select j.wal, j.base, j.check, g.gaps, g.last_began_at, g.last_ended_at, g.open_since
          from (select max(extract(epoch from now() - finished_at)) filter (where name = 'store-wal')::float8 as wal,
                       max(extract(epoch from now() - finished_at)) filter (where name = 'back-up')::float8 as base,
                       max(extract(epoch from now() - finished_at)) filter (where name = 'check-backup')::float8
                         as check
                  from job_run
                 where name in ('store-wal', 'back-up', 'check-backup')
                having count(*) > 0) as j,
               (select count(ended_at) as gaps, max(began_at) filter (where ended_at is not null) as last_began_at,
                       max(ended_at) as last_ended_at, max(began_at) filter (where ended_at is null) as open_since
                  from backup_gap) as g
        """
    )
    return to(BackupState, row) if row else None


async def queue_lengths(db: Statements) -> QueueLengths:
    """Return the queues' lengths across all clinics, counting at most `MAX_COUNT` entries in each."""
    row = await db.fetchrow(QUEUE_LENGTHS, limit=MAX_COUNT)
    assert row
    return to(QueueLengths, row)
