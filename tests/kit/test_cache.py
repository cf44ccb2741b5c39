"""The cache never serves outdated entries, in one process or several, with Redis or without."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import httpx2
import pytest
from redis.asyncio import Redis

from appoint.kit.cache import ClinicCache
from appoint.kit.cache_invalidation import CHANNEL
from support.app import ADMIN
from support.metrics import metric
from support.processes import Process, RedisServer, appoint, eventually, eventually_async, redis_server


class Source:
    """The source behind a cache. Each load returns the next number."""

    def __init__(self) -> None:
        self.loads = 0
        self.released = asyncio.Event()
        self.released.set()

    async def __call__(self) -> int:
        self.loads += 1
        number = self.loads
        await self.released.wait()
        return number


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as redis:
        yield redis


async def test_a_loaded_entry_is_cached():
    source = Source()
    async with ClinicCache(None) as cache:
        assert [await cache.get(1, "clinic", source), await cache.get(1, "clinic", source)] == [1, 1]


async def test_a_change_drops_only_its_own_clinics_entries():
    source = Source()
    async with ClinicCache(None) as cache:
        for clinic, name in ((1, "a"), (1, "b"), (2, "a")):
            await cache.get(clinic, name, source)
        await cache.drop(1)
        assert [await cache.get(clinic, name, source) for clinic, name in ((1, "a"), (1, "b"), (2, "a"))] == [4, 5, 3]


async def test_an_entry_that_was_loading_during_a_change_is_not_cached():
    source = Source()
    async with ClinicCache(None) as cache:
        source.released.clear()
        loading = asyncio.create_task(cache.get(1, "clinic", source))
        await asyncio.sleep(0)
        await cache.drop(1)
        source.released.set()
        assert (await loading, await cache.get(1, "clinic", source)) == (1, 2)


async def test_none_is_not_cached():
    loads: list[int] = []

    async def load_none() -> None:
        loads.append(1)

    async with ClinicCache(None) as cache:
        await cache.get(1, "clinic", load_none)
        await cache.get(1, "clinic", load_none)
    assert len(loads) == 2


async def caches(cache: ClinicCache) -> bool:
    source = Source()
    return await cache.get(0, "probe", source) == await cache.get(0, "probe", source)


async def does_not_cache(cache: ClinicCache) -> bool:
    return not await caches(cache)


async def test_with_redis_a_change_reaches_all_processes(redis):
    source = Source()
    async with ClinicCache(redis.url) as ours, ClinicCache(redis.url) as theirs:
        await eventually_async(lambda: caches(ours))
        await eventually_async(lambda: caches(theirs))
        first = await theirs.get(1, "clinic", source)
        await ours.drop(1)

        async def received() -> bool:
            return await theirs.get(1, "clinic", source) != first

        await eventually_async(received)


async def test_while_redis_is_unreachable_nothing_is_cached_and_nothing_fails():
    source = Source()
    async with ClinicCache("redis://127.0.0.1:1/0") as cache:
        await cache.drop(1)
        assert [await cache.get(1, "clinic", source), await cache.get(1, "clinic", source)] == [1, 2]


class Wire:
    """A connection to Redis that can be cut."""

    def __init__(self, redis: RedisServer) -> None:
        self.redis = redis
        self.writers: set[asyncio.StreamWriter] = set()
        self.server: asyncio.Server | None = None
        self.port = 0

    async def mend(self) -> str:
        self.server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        return f"redis://127.0.0.1:{self.port}/0"

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.redis.port)
        self.writers |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    async def cut(self) -> None:
        assert self.server
        self.server.close()
        for writer in self.writers:
            writer.close()
        self.writers.clear()


async def test_a_change_made_while_redis_is_unreachable_is_sent_when_it_is_back(redis):
    source = Source()
    wire = Wire(redis)
    async with ClinicCache(await wire.mend()) as ours, ClinicCache(redis.url) as theirs:
        await eventually_async(lambda: caches(ours))
        await eventually_async(lambda: caches(theirs))
        before = await theirs.get(1, "clinic", source)
        await wire.cut()
        await eventually_async(lambda: does_not_cache(ours))
        await ours.drop(1)
        assert await theirs.get(1, "clinic", source) == before  # the invalidation has not been sent yet
        await wire.mend()

        async def received() -> bool:
            return await theirs.get(1, "clinic", source) != before

        await eventually_async(received)
        await wire.cut()


async def test_a_message_without_a_clinic_number_does_not_stop_the_listener(redis):
    source = Source()
    async with ClinicCache(redis.url) as ours, ClinicCache(redis.url) as theirs, Redis.from_url(redis.url) as other:
        await eventually_async(lambda: caches(ours))
        await eventually_async(lambda: caches(theirs))
        await other.publish(CHANNEL, "Lakeside")
        await eventually_async(lambda: does_not_cache(theirs))
        await eventually_async(lambda: caches(theirs))
        before = await theirs.get(1, "clinic", source)
        await ours.drop(1)

        async def received() -> bool:
            return await theirs.get(1, "clinic", source) != before

        await eventually_async(received)


async def test_a_silent_redis_counts_as_unreachable(redis):
    """When Redis is frozen or behind a broken network, the connection stays open but nothing arrives."""
    async with ClinicCache(redis.url) as cache:
        await eventually_async(lambda: caches(cache))
        redis.popen.send_signal(19)  # SIGSTOP
        try:
            await eventually_async(lambda: does_not_cache(cache))
        finally:
            redis.popen.send_signal(18)
        await eventually_async(lambda: caches(cache))


async def test_a_write_to_a_closed_connection_counts_as_unreachable(redis, monkeypatch):
    """uvloop then raises `RuntimeError`, instead of a Redis or network error."""

    async def write_to_closed_connection(*_: object) -> None:
        raise RuntimeError

    async with ClinicCache(redis.url) as ours, ClinicCache(redis.url) as theirs:
        await eventually_async(lambda: caches(ours))
        with monkeypatch.context() as patch:
            patch.setattr(Redis, "publish", write_to_closed_connection)
            await ours.drop(1)
            await eventually_async(lambda: does_not_cache(ours))
        await eventually_async(lambda: caches(ours))
        await eventually_async(lambda: caches(theirs))


@pytest.fixture
async def two_servers(db, database_url, redis) -> AsyncIterator[tuple[httpx2.Client, httpx2.Client]]:
    def client(process: Process) -> httpx2.Client:
        return httpx2.Client(base_url=process.url, headers=ADMIN)

    both = {"database_url": database_url, "cache_url": redis.url}
    with appoint("serve", **both) as one, appoint("serve", **both) as two, client(one) as first, client(two) as second:
        yield first, second


def zone_in_availability(client: httpx2.Client) -> str:
    response = client.get("/api/clinics/1/availability", params={"date": "2030-01-07", "minutes": 30})
    assert response.status_code == 200, response.text
    return response.json()["timeZone"]


def caches_catalogue(client: httpx2.Client) -> bool:
    """Return whether the server queries the database at most once for two responses."""

    def loads() -> float:
        return metric(client, 'appoint_query_seconds_count{statement="catalogue.load"}')

    before = loads()
    zone_in_availability(client)
    zone_in_availability(client)
    return loads() - before < 2


async def test_a_change_in_one_server_reaches_the_other_even_if_redis_fails(two_servers, redis):
    one, two = two_servers
    one.post("/api/clinics", json={"name": "Lakeside", "timeZone": "Europe/Berlin"})

    def moves_to(zone: str) -> None:
        assert one.patch("/api/clinics/1", json={"timeZone": zone}).status_code == 200
        assert zone_in_availability(one) == zone  # immediate on the server that made the change
        eventually(lambda: zone_in_availability(two) == zone)

    for server in two_servers:
        eventually(lambda server=server: caches_catalogue(server))
    moves_to("Asia/Kolkata")
    redis.kill()
    moves_to("America/New_York")
    eventually(lambda: not caches_catalogue(two))
    moves_to("Europe/Paris")
    redis.start()
    moves_to("Asia/Tokyo")
    for server in two_servers:
        eventually(lambda server=server: caches_catalogue(server))
    moves_to("Europe/Berlin")
