"""The table of nightly jobs: when each one runs next, and which worker is running it. The names come from the worker's
schedule.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .pool import Statements


class JobRun(NamedTuple):
    name: str
    attempts: int
    """The number of attempts, including this one. Distinguishes this lease from later ones."""


async def plan(db: Statements, due: Mapping[str, datetime]) -> None:
    """Add a row for each job that has none, with the time of its next run."""
    await db.execute(
        "insert into job_run (name, due_at) select * from unnest($1::text[], $2::timestamptz[]) on conflict do nothing",
        list(due),
        list(due.values()),
    )


async def delete(db: Statements, *, names: Sequence[str]) -> None:
    """Delete the rows of jobs that are turned off."""
    await db.execute("delete from job_run where name = any($1)", names)


async def run_now(db: Statements, *, name: str, now: datetime) -> None:
    """Let a worker run the job at once, instead of at night."""
    await db.execute(
        """
        insert into job_run (name, due_at) values ($1, $2)
        on conflict (name) do update set due_at = least(job_run.due_at, excluded.due_at)
        """,
        name,
        now,
    )


async def record_progress(db: Statements, *, name: str, at: datetime) -> None:
    """Record how far a job that runs continuously has got, for monitoring."""
    await db.execute(
        """
        insert into job_run (name, due_at, finished_at) values ($1, $2, $2)
        on conflict (name) do update set due_at = excluded.due_at, finished_at = excluded.finished_at
        """,
        name,
        at,
    )


async def claim(db: Statements, *, names: Sequence[str], most: int, lease: timedelta, now: datetime) -> list[JobRun]:
    """Lease jobs that are due, and count the attempt. A job whose lease has expired is due again."""
    rows = await db.fetch(
        """
        update job_run set leased_until = $4::timestamptz + $3::interval, attempts = attempts + 1
         where name in (select name from job_run
                         where name = any($1) and due_at <= $4 and (leased_until is null or leased_until <= $4)
                         order by due_at limit $2 for update skip locked)
        returning name, attempts
        """,
        names,
        most,
        lease,
        now,
    )
    return [JobRun(*row.values()) for row in rows]


async def renew(db: Statements, run: JobRun, *, leased_until: datetime) -> None:
    await db.execute(
        "update job_run set leased_until = $3 where name = $1 and attempts = $2 and leased_until is not null",
        *run,
        leased_until,
    )


async def release(db: Statements, run: JobRun) -> None:
    """Let another worker run the job immediately. The attempt does not count."""
    await db.execute(
        "update job_run set leased_until = null, attempts = attempts - 1 where name = $1 and attempts = $2", *run
    )


async def finish(db: Statements, run: JobRun, *, due_at: datetime, now: datetime) -> None:
    """Record a successful run and the time of the next one."""
    await db.execute(
        """
        update job_run
           set due_at = $3, leased_until = null, attempts = 0, finished_at = $4, failed_at = null, reason = null
         where name = $1 and attempts = $2
        """,
        *run,
        due_at,
        now,
    )


async def fail(db: Statements, run: JobRun, *, due_at: datetime, failed_at: datetime | None, reason: str) -> None:
    """Record a failed attempt and the time of the next one. If `failed_at` is given, this was the last attempt, and the
    job counts as failed until it succeeds."""
    await db.execute(
        """
        update job_run
           set due_at = $3, leased_until = null, attempts = case when $4::timestamptz is null then attempts else 0 end,
               failed_at = coalesce($4, failed_at), reason = $5
         where name = $1 and attempts = $2
        """,
        *run,
        due_at,
        failed_at,
        reason,
    )
