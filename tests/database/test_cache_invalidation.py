"""Without Redis, processes use the database to tell each other what to drop from their caches."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from appoint.database import cache_invalidation
from appoint.database.cache_invalidation import CHANNEL, announce, listen_with
from appoint.kit.cache import ClinicCache
from support.app import ADMIN, client_of, composed
from support.hours import COMING_MONDAY, hours, put_weekly_hours
from support.processes import eventually_async
from support.world import create_clinic, create_customer, create_doctor


class Numbers:
    """A source that returns the next number on every load."""

    def __init__(self) -> None:
        self.loads = 0

    async def __call__(self) -> int:
        self.loads += 1
        return self.loads


@asynccontextmanager
async def two_caches(db) -> AsyncIterator[tuple[ClinicCache, ClinicCache]]:
    listen = listen_with(db)
    async with ClinicCache(None, listen=listen) as ours, ClinicCache(None, listen=listen) as theirs:
        yield ours, theirs


async def caches(cache: ClinicCache) -> bool:
    source = Numbers()
    return await cache.get(5, "probe", source) == await cache.get(5, "probe", source)


async def test_a_committed_change_drops_the_clinic_in_other_processes_only(db):
    source = Numbers()
    async with two_caches(db) as (ours, theirs):
        assert [await cache.get(1, "clinic", source) for cache in (ours, theirs)] == [1, 2]
        await db.atomic(announce, 1, sender=ours.name)

        async def dropped() -> bool:
            return await theirs.get(1, "clinic", source) == 3

        await eventually_async(dropped)
        assert await ours.get(1, "clinic", source) == 1  # its own request has already dropped it


async def test_a_rolled_back_change_does_not_drop_anything(db):
    source = Numbers()

    async def fail(tx) -> None:
        await announce(tx, 1, sender="other")
        raise LookupError

    async with two_caches(db) as (cache, _):
        await cache.get(1, "clinic", source)
        with pytest.raises(LookupError):
            await db.atomic(fail)
        await db.atomic(announce, 2, sender="other")
        await asyncio.sleep(0.05)
        assert await cache.get(1, "clinic", source) == 1


async def test_a_change_also_drops_entries_that_combine_several_clinics(db):
    source = Numbers()
    async with two_caches(db) as (cache, _):
        await cache.get(0, "specialties", source)
        await db.atomic(announce, 1, sender="other")

        async def dropped() -> bool:
            return await cache.get(0, "specialties", source) == 2

        await eventually_async(dropped)


async def test_unreadable_messages_are_ignored(db):
    async with two_caches(db) as (cache, _):
        await db.execute("select pg_notify($1, 'Lakeside')", CHANNEL)
        await asyncio.sleep(0.05)
        assert await caches(cache)


async def test_nothing_is_cached_while_the_connection_is_lost(db):
    async with two_caches(db) as (cache, _):
        assert await caches(cache)
        killed = await db.fetchval(
            """
            select count(pg_terminate_backend(pid))
              from pg_stat_activity
             where datname = current_database() and query ~ '^(select 1$|LISTEN)' and pid <> pg_backend_pid()
            """
        )
        assert killed

        async def stopped() -> bool:
            return not await caches(cache)

        await eventually_async(stopped)
        await eventually_async(lambda: caches(cache))


async def test_nothing_is_cached_behind_a_pooler_that_does_not_deliver_messages(db, monkeypatch):
    """It accepts LISTEN, but other clients then get the session."""
    monkeypatch.setattr(cache_invalidation, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(cache_invalidation, "PROBE", "lost")
    monkeypatch.setattr(cache_invalidation.Invalidations, "_receive", lambda *_: None)
    async with two_caches(db) as (cache, _):
        assert not await caches(cache)


@pytest.fixture
async def two_servers(db, database_url) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """Two applications on one database, without Redis."""
    apps = (composed(database_url), composed(database_url, workers=2))
    async with client_of(apps[0]) as one, client_of(apps[1]) as two:
        yield one, two


async def test_a_new_doctor_is_offered_and_booked_in_every_process_within_a_second(two_servers):
    one, two = two_servers
    await create_clinic(one)
    ana = await create_customer(one)
    assert await doctors_offered(two) == set()
    doctor_id = await create_doctor(one)
    await put_weekly_hours(one, doctor_id, monday=hours("09:00-12:00"))
    body = {"clinicId": 1, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY)}
    await one.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)
    await asyncio.sleep(0.9)
    assert await doctors_offered(two) == {doctor_id}
    start, end = (f"{COMING_MONDAY}T08:{minute}:00Z" for minute in ("00", "30"))
    booking = {"clinicId": 1, "customerId": ana, "startTime": start, "endTime": end}
    assert (await two.post("/api/appointments", json=booking, headers=ADMIN)).status_code == 201


async def doctors_offered(client) -> set[str]:
    day = {"date": str(COMING_MONDAY), "minutes": 30}
    (offered,) = (await client.get("/api/clinics/1/availability", params=day)).json()["days"]
    return {slot["doctorId"] for slot in offered["slots"]}
