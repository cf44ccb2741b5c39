"""What operations ask of the database: whether a worker is alive, and how many events wait."""

from .pool import Statements

MOST_EVENTS = 100_000


async def beat(db: Statements, *, worker: str) -> None:
    """Say that the worker is alive. Those that have been silent for a day are forgotten."""
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
    """The worker has stopped, and will not be missed."""
    await db.execute("delete from worker_heartbeat where worker = $1", worker)


async def worker_silence(db: Statements) -> float | None:
    """Seconds since the last sign of any worker; None when there is none."""
    return await db.fetchval("select extract(epoch from now() - max(seen_at))::float8 from worker_heartbeat")


async def event_backlog(db: Statements) -> int:
    """Events in the outbox, counted no further than `MOST_EVENTS`."""
    return await db.fetchval("select count(*) from (select from event limit $1) as events", MOST_EVENTS)
