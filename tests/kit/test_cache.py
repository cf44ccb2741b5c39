"""What is kept in memory: as fresh as it says, in one process and in several, with Redis and without it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import httpx2
import pytest

from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.processes import Process, Redis, appoint, eventually, redis_server


class Source:
    """What a cache stands in front of: each look at it gives the next number."""

    def __init__(self) -> None:
        self.looks = 0
        self.slowly = asyncio.Event()
        self.slowly.set()

    async def __call__(self) -> int:
        self.looks += 1
        seen = self.looks
        await self.slowly.wait()
        return seen


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_server() as redis:
        yield redis


async def patiently(question) -> None:
    for _ in range(5000):
        if await question():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came about")


async def test_what_was_asked_once_is_kept():
    source = Source()
    async with ClinicCache(None) as cache:
        assert [await cache.get(1, "clinic", source), await cache.get(1, "clinic", source)] == [1, 1]


async def test_a_change_drops_all_of_its_clinic_and_nothing_of_another():
    source = Source()
    async with ClinicCache(None) as cache:
        for clinic, name in ((1, "a"), (1, "b"), (2, "a")):
            await cache.get(clinic, name, source)
        await cache.drop(1)
        assert [await cache.get(clinic, name, source) for clinic, name in ((1, "a"), (1, "b"), (2, "a"))] == [4, 5, 3]


async def test_what_was_being_loaded_during_a_change_is_not_kept():
    source = Source()
    async with ClinicCache(None) as cache:
        source.slowly.clear()
        loading = asyncio.create_task(cache.get(1, "clinic", source))
        await asyncio.sleep(0)
        await cache.drop(1)
        source.slowly.set()
        assert (await loading, await cache.get(1, "clinic", source)) == (1, 2)


async def test_nothing_is_not_kept():
    looks: list[int] = []

    async def nothing() -> None:
        looks.append(1)

    async with ClinicCache(None) as cache:
        await cache.get(1, "clinic", nothing)
        await cache.get(1, "clinic", nothing)
    assert len(looks) == 2


async def keeps(cache: ClinicCache) -> bool:
    source = Source()
    return await cache.get(0, "probe", source) == await cache.get(0, "probe", source)


async def forgets(cache: ClinicCache) -> bool:
    return not await keeps(cache)


async def test_with_redis_a_change_is_heard_by_all_processes(redis):
    source = Source()
    async with ClinicCache(redis.url) as ours, ClinicCache(redis.url) as theirs:
        await patiently(lambda: keeps(ours))
        await patiently(lambda: keeps(theirs))
        first = await theirs.get(1, "clinic", source)
        await ours.drop(1)

        async def heard() -> bool:
            return await theirs.get(1, "clinic", source) != first

        await patiently(heard)


async def test_without_redis_in_reach_nothing_is_kept_and_nothing_fails():
    source = Source()
    async with ClinicCache("redis://127.0.0.1:1/0") as cache:
        await cache.drop(1)
        assert [await cache.get(1, "clinic", source), await cache.get(1, "clinic", source)] == [1, 2]


class Wire:
    """A way to Redis that can be cut."""

    def __init__(self, redis: Redis) -> None:
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


async def test_a_change_made_out_of_reach_of_redis_is_told_when_it_is_back(redis):
    source = Source()
    wire = Wire(redis)
    async with ClinicCache(await wire.mend()) as ours, ClinicCache(redis.url) as theirs:
        await patiently(lambda: keeps(ours))
        await patiently(lambda: keeps(theirs))
        before = await theirs.get(1, "clinic", source)
        await wire.cut()
        await patiently(lambda: forgets(ours))
        await ours.drop(1)
        assert await theirs.get(1, "clinic", source) == before  # nobody told them yet
        await wire.mend()

        async def heard() -> bool:
            return await theirs.get(1, "clinic", source) != before

        await patiently(heard)
        await wire.cut()


async def test_a_redis_that_is_silent_is_one_that_is_gone(redis):
    """Frozen, or behind a broken network: the connection stands, and nothing comes."""
    async with ClinicCache(redis.url) as cache:
        await patiently(lambda: keeps(cache))
        redis.popen.send_signal(19)  # SIGSTOP
        try:
            await patiently(lambda: forgets(cache))
        finally:
            redis.popen.send_signal(18)
        await patiently(lambda: keeps(cache))


@pytest.fixture
async def two_servers(db, database_url, redis) -> AsyncIterator[tuple[httpx2.Client, httpx2.Client]]:
    def client(process: Process) -> httpx2.Client:
        return httpx2.Client(base_url=process.url, headers=ADMIN)

    both = {"database_url": database_url, "cache_url": redis.url}
    with appoint("serve", **both) as one, appoint("serve", **both) as two, client(one) as first, client(two) as second:
        yield first, second


def zone_in_availability(client: httpx2.Client) -> str:
    answer = client.get("/api/clinics/1/availability", params={"date": "2030-01-07", "minutes": 30})
    assert answer.status_code == 200, answer.text
    return answer.json()["timeZone"]


def keeping(client: httpx2.Client) -> bool:
    """Whether the server asks the database once at most for two answers."""

    def loads() -> float:
        found = re.search(r'appoint_query_seconds_count{statement="catalogue.load"} (.*)', client.get("/metrics").text)
        return float(found[1]) if found else 0

    before = loads()
    zone_in_availability(client)
    zone_in_availability(client)
    return loads() - before < 2


async def test_a_change_in_one_server_is_seen_in_the_other_whatever_becomes_of_redis(two_servers, redis):
    one, two = two_servers
    one.post("/api/clinics", json={"name": "Lakeside", "timeZone": "Europe/Berlin"})

    def moves_to(zone: str) -> None:
        assert one.patch("/api/clinics/1", json={"timeZone": zone}).status_code == 200
        assert zone_in_availability(one) == zone  # at once where it was changed
        eventually(lambda: zone_in_availability(two) == zone)

    for server in two_servers:
        eventually(lambda server=server: keeping(server))
    moves_to("Asia/Kolkata")
    redis.kill()
    moves_to("America/New_York")
    eventually(lambda: not keeping(two))
    moves_to("Europe/Paris")
    redis.start()
    moves_to("Asia/Tokyo")
    for server in two_servers:
        eventually(lambda server=server: keeping(server))
    moves_to("Europe/Berlin")
