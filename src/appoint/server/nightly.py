"""Nightly jobs. One worker runs each job, catches up after a missed night, and retries a job that fails.

A job's row in `job_run` contains the time at which it is due. A worker leases the row while the job runs, so that no
other worker runs it. If the worker dies, another one takes over a minute later.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, time, timedelta
from functools import partial
from typing import Final

import structlog

from ..database import job_runs
from ..database.job_runs import JobRun
from ..kit import clock, errors
from ..kit.leases import PollIntervals, renewed, serve
from . import schedule
from .schedule import Work

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=1)
PACE: Final = PollIntervals(idle_seconds=2.0, busy_seconds=2.0)
MAX_ATTEMPTS: Final = 8
FIRST_RETRY: Final = timedelta(seconds=10)
"""Doubles after each further failure, so eight attempts take about twenty minutes."""


async def run(work: Work, stop: asyncio.Event) -> None:
    """Run the nightly jobs that are due, until `stop` is set."""
    now = clock.now()
    jobs = schedule.nightly_jobs(work.settings)
    await job_runs.plan(work.db, {name: next_night(job.at, now) for name, job in jobs.items()})
    await job_runs.delete(work.db, names=[name for name in schedule.NIGHTLY if name not in jobs])
    if not schedule.makes_backups(work.settings):
        await job_runs.delete(work.db, names=["store-wal"])
    await serve(
        stop,
        name="nightly",
        capacity=len(jobs),
        pace=PACE,
        claim=partial(_claim, work, list(jobs)),
        run=partial(_perform, work),
    )


def next_night(at: time, now: datetime) -> datetime:
    """Return the next occurrence of that time of day after `now`, in UTC."""
    today = datetime.combine(now.date(), at, tzinfo=now.tzinfo)
    return today if today > now else today + timedelta(days=1)


async def _claim(work: Work, names: list[str], limit: int) -> list[JobRun]:
    return await job_runs.claim(work.db, names=names, most=limit, lease=LEASE, now=clock.now())


async def _perform(work: Work, run: JobRun) -> None:
    job = schedule.NIGHTLY[run.name]

    async def renew() -> None:
        await job_runs.renew(work.db, run, leased_until=clock.now() + LEASE)

    try:
        async with renewed(LEASE, renew):
            await job.run(work)
    except asyncio.CancelledError:  # the worker is stopping
        with suppress(errors.Unavailable):
            await job_runs.release(work.db, run)
        raise
    except Exception as error:
        log.exception("job failed", job=run.name, attempts=run.attempts)
        await _fail(work, run, reason=type(error).__name__)
        return
    now = clock.now()
    due_at = next_night(job.at, now) + timedelta(days=job.days(work.settings) - 1)
    await job_runs.finish(work.db, run, due_at=due_at, now=now)
    log.info("job done", job=run.name)


async def _fail(work: Work, run: JobRun, *, reason: str) -> None:
    now = clock.now()
    if run.attempts < MAX_ATTEMPTS:
        due_at, failed_at = now + FIRST_RETRY * 2 ** (run.attempts - 1), None
    else:
        due_at, failed_at = next_night(schedule.NIGHTLY[run.name].at, now), now
        log.error("job given up until the next night", job=run.name, reason=reason)
    await job_runs.fail(work.db, run, due_at=due_at, failed_at=failed_at, reason=reason)
