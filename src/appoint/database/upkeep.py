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


async def queue_lengths(db: Statements) -> QueueLengths:
    """Return the queues' lengths across all clinics, counting at most `MAX_COUNT` entries in each."""
    row = await db.fetchrow(QUEUE_LENGTHS, limit=MAX_COUNT)
    assert row
    return to(QueueLengths, row)
