"""Health of the workers and lengths of the queues, for monitoring."""

from typing import Final

from .pool import Row, Statements

MAX_COUNT: Final = 100_000


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
    """Return the seconds since the last heartbeat of any worker, or None without one."""
    return await db.fetchval("select extract(epoch from now() - max(seen_at))::float8 from worker_heartbeat")


async def waiting(db: Statements) -> Row:
    """Return the lengths of the queues at all clinics, counted up to `MAX_COUNT`, and the age of the oldest entry in
    seconds; 0 for an empty queue."""
    row = await db.fetchrow(
        """
        select (select count(*) from (select from event where parked_at is null limit $1) as e) as events,
               coalesce((select extract(epoch from now() - created_at)::float8
                           from event
                          where parked_at is null
                          order by id
                          limit 1), 0) as event_lag,
               (select count(*) from (select from event where parked_at is not null limit $1) as e) as parked_events,
               (select count(*)
                  from (select from notification where status = 'dead' and channel = 'email' limit $1) as n
               ) as dead_email,
               (select count(*)
                  from (select from notification where status = 'dead' and channel = 'sms' limit $1) as n
               ) as dead_sms,
               greatest((select extract(epoch from now() - min(due_at))::float8
                           from notification
                          where status = 'queued' and channel = 'email' and urgent),
                        (select extract(epoch from now() - min(due_at))::float8
                           from notification
                          where status = 'queued' and channel = 'email' and not urgent),
                        0) as email_lag,
               greatest((select extract(epoch from now() - min(due_at))::float8
                           from notification
                          where status = 'queued' and channel = 'sms' and urgent),
                        (select extract(epoch from now() - min(due_at))::float8
                           from notification
                          where status = 'queued' and channel = 'sms' and not urgent),
                        0) as sms_lag,
               (select count(*) from webhook where active and failing_since is not null) as failing_webhooks,
               (select count(*) from (select from broker_message where fault is null limit $1) as b) as broker_messages,
               (select count(*) from job_run where failed_at is not null) as failed_jobs,
               a.unsealed, coalesce(extract(epoch from now() - a.oldest)::float8, 0) as unsealed_lag
          from (select count(*) as unsealed, min(at) as oldest
                  from (select at from audit_unsealed limit $1) as u) as a
        """,
        MAX_COUNT,
    )
    assert row
    return row
