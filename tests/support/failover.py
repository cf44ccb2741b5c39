"""Clients of a cluster whose primary changes, and checks that only one node at a time is the primary."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx2
from scripts.cluster_nodes import NODES, HighlyAvailable

from support.processes import eventually
from support.proxies import Proxy
from support.races import DAY, appointment_body

MINUTES = 5
PAUSE_SECONDS = 0.05
WRITE_SECONDS = 2.0
WITHOUT_TLS = "sslmode=disable"
"""Otherwise, asyncpg reports an error that no one handles if a connection is cancelled while it negotiates TLS."""


@asynccontextmanager
async def proxies_to(ports: Mapping[str, int]) -> AsyncIterator[dict[str, Proxy]]:
    proxies = {name: Proxy(port) for name, port in ports.items()}
    for proxy in proxies.values():
        await proxy.start()
    yield proxies
    for proxy in proxies.values():
        await proxy.stop()


class Booker:
    """Books a doctor's times one after another, each until the server acknowledges it."""

    def __init__(self, client: httpx2.AsyncClient, doctor_id: str, customer_id: str, *, days: int) -> None:
        self.client = client
        self.days = days
        self.doctor_id = doctor_id
        self.customer_id = customer_id
        self.acknowledged: list[str] = []
        self.longest_wait = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        for day in range(self.days):
            for number in range(8 * 60 // MINUTES):
                if stop.is_set():
                    return
                start = DAY + timedelta(days=day, minutes=number * MINUTES)
                await self._book(appointment_body(self.doctor_id, self.customer_id, start, MINUTES))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _book(self, body: dict[str, object]) -> None:
        """Book with one idempotency key, so that an attempt whose outcome is unknown can be repeated."""
        headers, began = {"Idempotency-Key": str(uuid4())}, time.monotonic()
        while True:
            response = await self.client.post("/api/appointments", json=body, headers=headers)
            if response.status_code == 201:
                self.acknowledged.append(response.json()["id"])
                self.longest_wait = max(self.longest_wait, time.monotonic() - began)
                return
            assert response.status_code == 503, response.text
            await asyncio.sleep(0.2)


class Writer:
    """Writes one row after another to one node, whatever its role."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged: dict[UUID, float] = {}
        """When each row was acknowledged."""

    async def run(self) -> None:
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection = await asyncpg.connect(self.url, timeout=WRITE_SECONDS, command_timeout=WRITE_SECONDS)
                try:
                    await self._write(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _write(self, connection: asyncpg.Connection) -> None:
        while True:
            id = uuid4()
            await connection.execute("insert into written (id) values ($1)", id)
            self.acknowledged[id] = time.monotonic()
            await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def one_primary_at_a_time(nodes: HighlyAvailable, old: str) -> AsyncIterator[None]:
    """Write to all nodes at once while the primary changes. Check that the old one acknowledges nothing after another
    one does, and that nothing acknowledged is lost."""
    writers = {name: Writer(f"{nodes.url_of(name)}?{WITHOUT_TLS}") for name in NODES}
    running = [asyncio.create_task(writer.run()) for writer in writers.values()]
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            while not writers[old].acknowledged:
                await asyncio.sleep(PAUSE_SECONDS)
        yield
        async with asyncio.timeout(60):
            while not any(writers[name].acknowledged for name in NODES if name != old):
                await asyncio.sleep(PAUSE_SECONDS)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    last, *first = (
        max(writers[old].acknowledged.values()),
        *(min(writer.acknowledged.values()) for name, writer in writers.items() if name != old and writer.acknowledged),
    )
    assert [time for time in first if time <= last] == []
    new = leader_of(nodes, isolated=old)
    assert new
    connection = await asyncpg.connect(nodes.url_of(new))  # the old one may still believe that it is the primary
    stored = {row["id"] for row in await connection.fetch("select id from written")}
    await connection.close()
    assert {id for writer in writers.values() for id in writer.acknowledged} <= stored


def leader_of(nodes: HighlyAvailable, *, isolated: str | None = None) -> str | None:
    return next((name for name, role in nodes.roles(isolated=isolated).items() if role == "leader"), None)


async def takes_over(nodes: HighlyAvailable, old: str) -> None:
    await asyncio.to_thread(eventually, lambda: leader_of(nodes, isolated=old) not in (None, old))


async def is_whole(nodes: HighlyAvailable) -> None:
    roles = ["leader", "replica", "sync_standby"]
    await asyncio.to_thread(eventually, lambda: sorted(nodes.roles().values()) == roles)


async def refuses_writes(nodes: HighlyAvailable, name: str) -> bool:
    """Try to write to a node, once it accepts connections."""

    async def write() -> str:
        connection = await asyncpg.connect(nodes.url_of(name))
        try:
            return await connection.execute("create table written_to_standby ()")
        except asyncpg.ReadOnlySQLTransactionError:
            return "refused"
        finally:
            await connection.close()

    return await asyncio.to_thread(eventually, lambda: asyncio.run(write())) == "refused"


async def booked_again(bookers: list[Booker]) -> None:
    """Wait until all bookers have booked after this call."""
    count = [len(booker.acknowledged) for booker in bookers]
    async with asyncio.timeout(120):
        while any(len(booker.acknowledged) <= before for booker, before in zip(bookers, count, strict=True)):
            await asyncio.sleep(0.1)
