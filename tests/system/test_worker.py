"""Workers expire holds and run nightly jobs, even if several are running or the database restarts."""

import asyncio
from datetime import UTC, datetime, time, timedelta

import pytest

from appoint.database import migrate, upkeep
from appoint.database.pool import Database, connect
from appoint.kit import clock, errors
from appoint.kit.cache import ClinicCache
from appoint.kit.leases import PollIntervals
from appoint.server import nightly, schedule
from support.hours import set_weekly_hours
from support.processes import appoint, eventually_async, own_postgres
from support.workers import running_worker
from support.world import World, at


@pytest.fixture
async def world(db):
    return await World.make(db, ClinicCache(None))


async def make_due(db: Database, name: str) -> None:
    """Make the nightly job due now."""
    await db.execute("insert into job_run (name, due_at) values ($1, now())", name)


async def has_heartbeat(db: Database) -> bool:
    return await upkeep.worker_silence(db) is not None


async def succeeded(db: Database) -> bool:
    return await db.fetchval("select finished_at is not null and failed_at is null from job_run where name = 'count'")


async def test_an_expired_hold_is_cancelled(world, database_url):
    await world.db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", world.clinic, world.ana)
    await world.db.execute(
        """
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, status, hold_expires_at,
                                 during, claimed)
        select $1, mint_id($1), mint_id($1), $2, $3, 'pending', now() - interval '1 second', during, during
          from tstzrange($4, $5) as during
        """,
        world.clinic,
        world.dr_shah,
        world.ana,
        at(9),
        at(10),
    )

    async def cancelled() -> bool:
        return await world.db.fetchval("select status from appointment") == "cancelled"

    async with running_worker(database_url):
        await eventually_async(cancelled)


async def test_nightly_jobs_publish_slots_and_delete_old_requests(world, database_url):
    await set_weekly_hours(world, world.dr_shah, clock.now().date(), monday="09:00-12:00")
    await world.db.execute("delete from booking_slot")
    await world.db.execute(
        """
        insert into request_key (caller, key, digest, created_at)
        values ('a', 'old', '', now() - interval '25 hours'), ('a', 'new', '', now())
        """
    )
    for name in schedule.NIGHTLY:
        await make_due(world.db, name)

    async def done() -> bool:
        return (
            await world.count("booking_slot") > 0
            and await world.db.fetchval("select string_agg(key, ' ') from request_key") == "new"
        )

    async with running_worker(database_url):
        await eventually_async(done)


@pytest.fixture
def job(monkeypatch):
    """The only nightly job. It counts its runs, and fails or waits as often as the test requires."""

    class CountingJob:
        runs = 0
        failures = 0
        finish = asyncio.Event()

        async def __call__(self, work: schedule.Work) -> None:
            self.runs += 1
            if self.runs <= self.failures:
                raise RuntimeError("not yet")
            await self.finish.wait()

    job = CountingJob()
    job.finish = asyncio.Event()
    job.finish.set()
    monkeypatch.setattr(schedule, "NIGHTLY", {"count": schedule.Nightly(time(0, 15), job)})
    monkeypatch.setattr(nightly, "FIRST_RETRY", timedelta(0))
    monkeypatch.setattr(nightly, "PACE", PollIntervals(0.05, 0.05))
    return job


async def test_only_one_of_several_workers_runs_a_nightly_job(db, database_url, job):
    await make_due(db, "count")

    async with running_worker(database_url), running_worker(database_url), running_worker(database_url):
        await eventually_async(lambda: succeeded(db))
        await asyncio.sleep(0.5)
    assert job.runs == 1


async def test_a_failed_job_is_retried(db, database_url, job):
    job.failures = 2
    await make_due(db, "count")

    async with running_worker(database_url):
        await eventually_async(lambda: succeeded(db))
    assert job.runs == 3


async def test_a_job_that_keeps_failing_is_recorded_as_failed(db, database_url, job):
    job.failures = 100
    await make_due(db, "count")

    async def failed() -> bool:
        return await db.fetchval("select failed_at is not null from job_run")

    async with running_worker(database_url):
        await eventually_async(failed)
        await asyncio.sleep(0.5)
    assert job.runs == nightly.MAX_ATTEMPTS
    assert await db.fetchval("select reason from job_run") == "RuntimeError"
    assert (await upkeep.queue_lengths(db)).failed_jobs == 1


async def test_a_failed_job_runs_again_the_next_night(db, database_url, job):
    await db.execute(
        "insert into job_run (name, due_at, failed_at, reason) values ('count', now(), now(), 'RuntimeError')"
    )

    async with running_worker(database_url):
        await eventually_async(lambda: succeeded(db))
    assert (await upkeep.queue_lengths(db)).failed_jobs == 0


async def test_a_dead_workers_job_is_run_by_the_next_one(db, database_url, job):
    await db.execute(
        """
        insert into job_run (name, due_at, attempts, leased_until)
        values ('count', now(), 1, now() + interval '0.3 seconds')
        """
    )

    async with running_worker(database_url):
        await eventually_async(lambda: succeeded(db))
    assert job.runs == 1


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2027, 3, 1, 0, 14, tzinfo=UTC), datetime(2027, 3, 1, 0, 15, tzinfo=UTC)),
        (datetime(2027, 3, 1, 0, 15, tzinfo=UTC), datetime(2027, 3, 2, 0, 15, tzinfo=UTC)),
        (datetime(2027, 3, 31, 12, 0, tzinfo=UTC), datetime(2027, 4, 1, 0, 15, tzinfo=UTC)),
    ],
)
def test_the_next_night_is_always_in_the_future(now, expected):
    assert nightly.next_night(time(0, 15), now) == expected


async def test_a_job_that_outlasts_its_worker_is_run_by_the_next_one(db, database_url, job):
    job.finish.clear()
    await make_due(db, "count")

    async def is_running() -> bool:
        return job.runs == 1

    async with running_worker(database_url, shutdown_seconds=1):
        await eventually_async(is_running)
    job.finish.set()
    async with running_worker(database_url):
        await eventually_async(lambda: succeeded(db))
    assert job.runs == 2


async def test_a_worker_sends_heartbeats_until_it_stops(db, database_url):
    async with running_worker(database_url):
        await eventually_async(lambda: has_heartbeat(db))
    assert await upkeep.worker_silence(db) is None


async def test_a_worker_survives_its_databases_restart(job):
    with own_postgres() as postgres:
        await migrate.upgrade(postgres.url)
        db = connect(postgres.url, size=2, wait_seconds=5, statement_seconds=5)

        async def is_planned() -> bool:
            return await db.fetchval("select count(*) from job_run") == 1

        async with running_worker(postgres.url):
            await eventually_async(lambda: has_heartbeat(db))
            await eventually_async(is_planned)
            await db.execute("update job_run set due_at = now()")  # due once the database is back
            postgres.stop()
            with pytest.raises(errors.Unavailable):
                await has_heartbeat(db)
            postgres.start()
            await db.execute("truncate worker_heartbeat")
            await eventually_async(lambda: has_heartbeat(db))
            await eventually_async(lambda: succeeded(db))
        await db.close()


async def test_sigterm_stops_a_worker_cleanly(db, database_url):
    with appoint("worker", database_url=database_url) as process:
        await eventually_async(lambda: has_heartbeat(db))
        assert process.stop() == 0, process.output
        assert await upkeep.worker_silence(db) is None
