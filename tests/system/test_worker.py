"""What happens without anybody asking, by one worker or several, and whatever becomes of the database meanwhile."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from appoint.database import migrate, queue, upkeep
from appoint.database.pool import Database, connect
from appoint.kit import clock, errors
from appoint.kit.cache import ClinicCache
from appoint.server import worker
from support.hours import works
from support.processes import appoint, own_postgres
from support.workers import patiently, working
from support.world import World, at


@pytest.fixture(autouse=True)
async def empty_queue(db):
    await db.execute("truncate jobs.pgqueuer, jobs.pgqueuer_log, jobs.pgqueuer_schedules")


@pytest.fixture
async def world(db):
    return await World.make(db, ClinicCache(None))


async def fall_due(db: Database, name: str) -> None:
    """As if the last night had been missed."""
    await db.execute(
        "insert into jobs.pgqueuer_schedules (expression, entrypoint, next_run) values ($1, $2, now())",
        worker.NIGHTLY[name][0],
        name,
    )


async def test_the_queue_is_what_its_library_expects(db):
    async with db.connection() as connection:
        assert (await queue.queries(connection).plan_upgrade()).statements == (), (
            "PgQueuer has changed its tables: the next revision must do what this says"
        )


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
    for name in worker.NIGHTLY:
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

        async def __call__(self, work: worker.Work) -> None:
            self.begun += 1
            if self.begun <= self.fails:
                raise RuntimeError("not yet")
            await self.lasts.wait()

    job = Counting()
    job.lasts = asyncio.Event()
    job.lasts.set()
    monkeypatch.setattr(worker, "NIGHTLY", {"count": ("15 0 * * *", job)})
    monkeypatch.setattr(worker, "PATIENTLY", partial(worker.PATIENTLY, initial_delay=timedelta(0)))
    return job


async def logged(db: Database) -> list[str]:
    return [row.status for row in await db.fetch("select status::text from jobs.pgqueuer_log order by id")]


async def test_of_several_workers_one_does_the_night(db, database_url, job):
    await fall_due(db, "count")

    async def done() -> bool:
        return "successful" in await logged(db)

    async with working(database_url), working(database_url), working(database_url):
        await patiently(done)
        await asyncio.sleep(0.5)
    assert job.begun == 1


async def test_a_job_that_fails_is_tried_again(db, database_url, job):
    job.fails = 2
    await fall_due(db, "count")

    async def done() -> bool:
        return "successful" in await logged(db)

    async with working(database_url):
        await patiently(done)
    assert job.begun == 3


async def test_a_job_that_goes_on_failing_is_kept(db, database_url, job):
    job.fails = 100
    await fall_due(db, "count")

    async def held() -> bool:
        return await db.fetchval("select count(*) from jobs.pgqueuer where status = 'failed'") == 1

    async with working(database_url):
        await patiently(held)


async def test_a_job_that_outlasts_its_worker_is_done_by_the_next(db, database_url, job):
    job.lasts.clear()
    await fall_due(db, "count")

    async def begun() -> bool:
        return job.begun == 1

    async def done() -> bool:
        return "successful" in await logged(db)

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
            return "successful" in await logged(db)

        async def planned() -> bool:
            return await db.fetchval("select count(*) from jobs.pgqueuer_schedules") == 1

        async with working(postgres.url):
            await patiently(seen)
            await patiently(planned)
            await db.execute("update jobs.pgqueuer_schedules set next_run = now()")  # due when it is back
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
