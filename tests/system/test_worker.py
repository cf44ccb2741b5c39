"""What happens without anybody asking, by one worker or several, and whatever becomes of the database meanwhile."""

import asyncio
from datetime import UTC, datetime, time, timedelta

import pytest

from appoint.database import migrate, upkeep
from appoint.database.pool import Database, connect
from appoint.kit import clock, errors
from appoint.kit.cache import ClinicCache
from appoint.kit.leases import Pace
from appoint.server import nightly, schedule
from support.hours import works
from support.processes import appoint, own_postgres
from support.workers import patiently, working
from support.world import World, at


@pytest.fixture
async def world(db):
    return await World.make(db, ClinicCache(None))


async def fall_due(db: Database, name: str) -> None:
    """As if the last night had been missed."""
    await db.execute("insert into job_run (name, due_at) values ($1, now())", name)


async def succeeded(db: Database) -> bool:
    return await db.fetchval("select finished_at is not null and failed_at is null from job_run where name = 'count'")


async def test_an_expired_hold_is_cancelled(world, database_url):
    await world.db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", world.clinic, world.ana)
    await world.db.execute(
        """
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, status, hold_expires_at, during, claimed)
        select $1, mint_id($1), mint_id($1), $2, $3, 'pending', now() - interval '1 second', during, during from tstzrange($4, $5) as during
        """,
        world.clinic,
        world.dr_shah,
        world.ana,
        at(9),
        at(10),
    )

    async def cancelled() -> bool:
        return await world.db.fetchval("select status from appointment") == "cancelled"

    async with working(database_url):
        await patiently(cancelled)


async def test_a_night_publishes_slots_and_forgets_old_requests(world, database_url):
    await works(world, world.dr_shah, clock.now().date(), monday="09:00-12:00")
    await world.db.execute("delete from booking_slot")
    await world.db.execute(
        "insert into request_key (caller, key, digest, created_at) values ('a', 'old', '', now() - interval '25 hours'), ('a', 'new', '', now())"
    )
    for name in schedule.NIGHTLY:
        await fall_due(world.db, name)

    async def done() -> bool:
        return (
            await world.count("booking_slot") > 0
            and await world.db.fetchval("select string_agg(key, ' ') from request_key") == "new"
        )

    async with working(database_url):
        await patiently(done)


@pytest.fixture
def job(monkeypatch):
    """The only nightly job, which counts how often it was begun."""

    class Counting:
        begun = 0
        fails = 0
        lasts = asyncio.Event()

        async def __call__(self, work: schedule.Work) -> None:
            self.begun += 1
            if self.begun <= self.fails:
                raise RuntimeError("not yet")
            await self.lasts.wait()

    job = Counting()
    job.lasts = asyncio.Event()
    job.lasts.set()
    monkeypatch.setattr(schedule, "NIGHTLY", {"count": schedule.Nightly(time(0, 15), job)})
    monkeypatch.setattr(nightly, "FIRST_RETRY", timedelta(0))
    monkeypatch.setattr(nightly, "PACE", Pace(0.05, 0.05))
    return job


async def test_of_several_workers_one_does_the_night(db, database_url, job):
    await fall_due(db, "count")

    async def done() -> bool:
        return await succeeded(db)

    async with working(database_url), working(database_url), working(database_url):
        await patiently(done)
        await asyncio.sleep(0.5)
    assert job.begun == 1


async def test_a_job_that_fails_is_tried_again(db, database_url, job):
    job.fails = 2
    await fall_due(db, "count")

    async def done() -> bool:
        return await succeeded(db)

    async with working(database_url):
        await patiently(done)
    assert job.begun == 3


async def test_a_job_that_goes_on_failing_is_kept(db, database_url, job):
    job.fails = 100
    await fall_due(db, "count")

    async def held() -> bool:
        return await db.fetchval("select failed_at is not null from job_run")

    async with working(database_url):
        await patiently(held)
        await asyncio.sleep(0.5)
    assert job.begun == nightly.MAX_ATTEMPTS
    assert await db.fetchval("select reason from job_run") == "RuntimeError"
    assert (await upkeep.queue_lengths(db)).failed_jobs == 1


async def test_a_job_that_failed_runs_again_the_next_night(db, database_url, job):
    await db.execute(
        "insert into job_run (name, due_at, failed_at, reason) values ('count', now(), now(), 'RuntimeError')"
    )

    async def done() -> bool:
        return await succeeded(db)

    async with working(database_url):
        await patiently(done)
    assert (await upkeep.queue_lengths(db)).failed_jobs == 0


async def test_a_job_whose_worker_died_is_done_by_the_next(db, database_url, job):
    await db.execute(
        "insert into job_run (name, due_at, attempts, leased_until) values ('count', now(), 1, now() + interval '1 second')"
    )

    async def done() -> bool:
        return await succeeded(db)

    async with working(database_url):
        await patiently(done)
    assert job.begun == 1


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2027, 3, 1, 0, 14, tzinfo=UTC), datetime(2027, 3, 1, 0, 15, tzinfo=UTC)),
        (datetime(2027, 3, 1, 0, 15, tzinfo=UTC), datetime(2027, 3, 2, 0, 15, tzinfo=UTC)),
        (datetime(2027, 3, 31, 12, 0, tzinfo=UTC), datetime(2027, 4, 1, 0, 15, tzinfo=UTC)),
    ],
)
def test_the_next_night_is_later_than_now(now, expected):
    assert nightly.next_night(time(0, 15), now) == expected


async def test_a_job_that_outlasts_its_worker_is_done_by_the_next(db, database_url, job):
    job.lasts.clear()
    await fall_due(db, "count")

    async def begun() -> bool:
        return job.begun == 1

    async def done() -> bool:
        return await succeeded(db)

    async with working(database_url, patience=1):
        await patiently(begun)
    job.lasts.set()
    async with working(database_url):
        await patiently(done)
    assert job.begun == 2


async def test_a_worker_says_that_it_lives_and_that_it_leaves(db, database_url):
    async def seen() -> bool:
        return await upkeep.worker_silence(db) is not None

    async with working(database_url):
        await patiently(seen)
    assert await upkeep.worker_silence(db) is None


async def test_a_worker_survives_its_database(job):
    with own_postgres() as postgres:
        await migrate.upgrade(postgres.url)
        db = connect(postgres.url, size=2, wait_seconds=5, statement_seconds=5)

        async def seen() -> bool:
            return await upkeep.worker_silence(db) is not None

        async def done() -> bool:
            return await succeeded(db)

        async def planned() -> bool:
            return await db.fetchval("select count(*) from job_run") == 1

        async with working(postgres.url):
            await patiently(seen)
            await patiently(planned)
            await db.execute("update job_run set due_at = now()")  # due when it is back
            postgres.stop()
            with pytest.raises(errors.Unavailable):
                await seen()
            postgres.start()
            await db.execute("truncate worker_heartbeat")
            await patiently(seen)
            await patiently(done)
        await db.close()


async def test_sigterm_ends_a_worker_well(db, database_url):
    with appoint("worker", database_url=database_url) as process:

        async def seen() -> bool:
            return await upkeep.worker_silence(db) is not None

        await patiently(seen)
        assert process.stop() == 0, process.said
        assert await upkeep.worker_silence(db) is None
