"""A clinic moves to another cell while it is in use: nothing is lost, and nothing happens twice."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from appoint.audit import jobs as audit_jobs
from appoint.audit import service as audit
from appoint.audit.model import Key
from appoint.clinics.moves import service
from appoint.database.moves import flip
from appoint.database.moves.model import MAX_STOP_SECONDS, MoveFailed
from appoint.database.pool import Database
from appoint.events.service import relay
from appoint.kit import clock, errors
from support.app import TOKEN
from support.cell_pairs import (
    CLINIC,
    LEFTOVERS,
    Cells,
    Killed,
    add_clinic,
    add_event,
    be_killed,
    copy_only,
    fetch,
    violations,
)
from support.races import DAY, VIOLATIONS, add_customers, appointment_body
from support.world import create_clinic, create_doctor, publish_slot

pytestmark = pytest.mark.xdist_group("cell-pairs")
MINUTES = 5
BOOKERS = 3
KEY = Key(TOKEN)


class Patient:
    """Books, reschedules and cancels in whichever cell accepts it, and remembers what was acknowledged."""

    def __init__(self, clients: list[httpx2.AsyncClient], doctor_id: str, customer_id: str) -> None:
        self.clients = clients
        self.home = 0
        self.doctor_id = doctor_id
        self.customer_id = customer_id
        self.acknowledged: dict[str, tuple[str, datetime]] = {}
        """The status and start of each appointment."""
        self.longest_wait = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set():
            start = DAY + timedelta(minutes=2 * number * MINUTES)
            body = appointment_body(self.doctor_id, self.customer_id, start, MINUTES)
            id = (await self._send("POST", "/api/appointments", body)).json()["id"]
            self.acknowledged[id] = ("booked", start)
            if number % 3 == 1:
                later = start + timedelta(minutes=MINUTES)
                times = {"startTime": later.isoformat(), "endTime": (later + timedelta(minutes=MINUTES)).isoformat()}
                await self._send("PUT", f"/api/appointments/{id}", times)
                self.acknowledged[id] = ("booked", later)
            elif number % 3 == 2:
                await self._send("DELETE", f"/api/appointments/{id}")
                self.acknowledged[id] = ("cancelled", start)
            number += 1
            await asyncio.sleep(0.02)

    async def _send(self, method: str, path: str, body: dict[str, object] | None = None) -> httpx2.Response:
        """Repeat one request until a cell has accepted it."""
        headers, began = {"Idempotency-Key": str(uuid4())}, time.monotonic()
        while True:
            response = await self.clients[self.home].request(method, path, json=body, headers=headers)
            if response.is_success:
                self.longest_wait = max(self.longest_wait, time.monotonic() - began)
                return response
            assert response.status_code in (404, 503), response.text
            self.home = 1 - self.home
            await asyncio.sleep(0.02)


@asynccontextmanager
async def workers(cells: Cells, delivered: list[tuple[int, str]]) -> AsyncIterator[None]:
    """Relay events and seal the audit log in both cells, as their workers do."""

    async def work(number: int, db: Database) -> None:
        async def note(tx: Database, batch: Any) -> None:
            """Lock the clinic after its events, as rows that refer to it do."""
            noted.extend((number, str(event.id)) for event in batch)
            for event in batch:
                await tx.execute("select from clinic where id = $1 for key share", event.clinic_id)

        while True:
            noted = list[tuple[int, str]]()
            await relay(db, [note], now=clock.now())
            delivered.extend(noted)
            await audit_jobs.seal(db, KEY, now=clock.now)
            await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(work(number, db)) for number, db in enumerate(cells.dbs)]
    yield
    await asyncio.sleep(1)
    for task in tasks:
        assert not task.done(), task.exception()
        task.cancel()


async def faults_in_audit(db: Database) -> list[str]:
    reports = audit.verify(db, clinic_ids=[CLINIC], public_key=KEY.public, exported=[], now=clock.now())
    return [fault.text async for report in reports for fault in report.faults]


async def test_a_clinic_moves_there_and_back_under_load(cells, record_property):
    delivered: list[tuple[int, str]] = []
    async with cells.clients() as clients, workers(cells, delivered):
        await create_clinic(clients[0])
        patients = list[Patient]()
        for customer_id in await add_customers(cells.dbs[0], BOOKERS):
            doctor_id = await create_doctor(clients[0])
            await publish_slot(cells.dbs[0], doctor_id, DAY, DAY + timedelta(days=20))
            patients.append(Patient(clients, doctor_id, customer_id))
        stop = asyncio.Event()
        running = [asyncio.create_task(patient.run(stop)) for patient in patients]
        for back in (False, True, False):
            await asyncio.sleep(0.5)
            moved = await cells.move(back=back)
            assert moved.stop_seconds is not None
            assert moved.stop_seconds <= MAX_STOP_SECONDS
            record_property("stop_seconds", moved.stop_seconds)
        await asyncio.sleep(0.5)
        stop.set()
        await asyncio.gather(*running)
    away, home = cells.dbs
    assert await cells.homes() == [0, 1]
    assert not await away.fetchval("select count(*) from appointment")
    rows = await home.fetch("select id, status, lower(during) as start from appointment")
    acknowledged = {id: each for patient in patients for id, each in patient.acknowledged.items()}
    record_property("appointments", len(acknowledged))
    record_property("longest_wait", max(patient.longest_wait for patient in patients))
    assert {str(row.id): (row.status, row.start) for row in rows} == acknowledged
    assert await home.fetchval(VIOLATIONS) == 0
    assert await violations(home) == []
    assert await faults_in_audit(home) == []
    log = [str(row.id) for row in await home.fetch("select id from event_log where clinic_id = 1")]
    assert sorted(id for _, id in delivered) == sorted(log)
    assert {number for number, _ in delivered} == {0, 1}


async def test_a_move_that_is_killed_at_any_step_continues(cells, monkeypatch):
    """Each run gets one step further before its connections are cut."""
    await add_clinic(cells)
    connections = list[asyncpg.Connection]()
    steps_left = 0

    class Fragile(asyncpg.Connection):
        async def execute(self, query: str, *args: Any, **options: Any) -> str:
            nonlocal steps_left
            if not query.strip().startswith(("select", "set local", "delete from", "BEGIN")):
                steps_left -= 1
            if steps_left < 0:
                for each in connections:
                    each.terminate()
                raise Killed
            return await super().execute(query, *args, **options)

    async def fragile(url: str, *, which: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(url, connection_class=Fragile, server_settings={"timezone": "UTC"})
        connections.append(connection)
        return connection

    monkeypatch.setattr(service, "connect", fragile)
    seen = set[tuple[int, ...]]()
    for steps in range(100):
        steps_left = steps if steps < 25 else 10_000
        connections.clear()
        try:
            await cells.move()
            break
        except (Killed, MoveFailed):
            homes = await cells.homes()
            seen.add(tuple(homes))
            assert homes != [1, 1]
            if homes == [0, 0]:
                assert await cells.dbs[0].fetchval("select count(*) from clinic_move") == 1
            else:
                await add_event(cells.dbs[homes.index(1)])
    else:
        pytest.fail("the clinic has not moved")
    assert {(1, 0), (0, 0), (0, 1)} <= seen
    assert await cells.homes() == [0, 1]
    for server in cells.servers:
        assert await fetch(server, LEFTOVERS) == 0


async def test_a_move_that_takes_too_long_leaves_the_clinic_where_it_is(cells, monkeypatch):
    assert MAX_STOP_SECONDS <= 5
    await add_clinic(cells)
    await copy_only(cells, monkeypatch)
    blocker = await asyncpg.connect(cells.servers[0].url)
    async with blocker.transaction():
        await blocker.execute("insert into audit_unsealed (clinic_id, actor, action) values (1, 'a', 'b')")
        with monkeypatch.context() as patch:
            patch.setattr(flip, "MAX_STOP_SECONDS", 0.5)
            with pytest.raises(MoveFailed, match="stays where it is"):
                await cells.move()
        assert await cells.homes() == [1, 0]
        await add_event(cells.dbs[0])
    await blocker.close()
    await cells.move()
    assert await cells.homes() == [0, 1]
    assert await cells.dbs[1].fetchval("select count(*) from event") == 2


async def test_the_database_ends_a_stop_if_the_command_freezes(cells, monkeypatch):
    """The command's own clock does not matter."""
    await add_clinic(cells)

    async def freeze(_move: object) -> int:
        began = time.monotonic()
        await add_event(cells.dbs[0])  # waits until the database ends the stop
        assert time.monotonic() - began < MAX_STOP_SECONDS
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(flip, "MAX_STOP_SECONDS", 1.0)
        patch.setattr(flip, "copy_people", freeze)
        patch.setattr(flip.asyncio, "timeout", lambda _: AsyncExitStack())
        with pytest.raises(Killed):
            await cells.move()
    assert await cells.homes() == [1, 0]
    await cells.move()
    assert await cells.dbs[1].fetchval("select count(*) from event") == 2


async def test_a_cell_leaves_a_clinic_alone_that_is_not_at_home_there(cells, monkeypatch):
    """Workers in the target ignore the copy. In the source, changes fail from the moment the clinic has left."""
    await add_clinic(cells)
    source, target = cells.dbs
    await copy_only(cells, monkeypatch)
    assert await target.fetchval("select count(*) from event") == 1
    assert await relay(target, [], now=clock.now()) == 0
    with pytest.raises(errors.Unavailable):
        await add_event(target)
    with monkeypatch.context() as patch:
        patch.setattr(service, "_clean_up", be_killed)
        with pytest.raises(Killed):
            await cells.move()
    assert await relay(source, [], now=clock.now()) == 0
    with pytest.raises(errors.Unavailable):
        await add_event(source)
    assert await relay(target, [], now=clock.now()) == 1
    assert (await cells.move()).stop_seconds is None
    assert not await source.fetchval("select count(*) from event")
