"""Acknowledged bookings survive kill -9 of real processes at random times under load."""

import asyncio
import hashlib
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import asyncpg
import httpx2
import psutil
import pytest

from appoint.database import embedded, migrate, provisioning
from appoint.database.cluster import Cluster
from support.app import ADMIN
from support.processes import Process, appoint
from support.scale import scaled

BOOKINGS = scaled(2000, 300)
"""The number of bookings to acknowledge."""
CLIENTS = 12
DOCTORS, CUSTOMERS, DAYS = 6, 60, 45
KILLS = [
    *[["server"], ["server", "whole database"], ["server", "worker"]],
    *[["worker"], ["worker", "postmaster"]],
    *[["whole database"]] * 3,
    *[["postmaster"]] * 2,
    *[["backend"]] * 8,
][:: scaled(1, 3)]
"""The victim of each kill. In the database, it is the first process, one that serves a connection, or all of them."""

SETUP = f"""
insert into clinic (name, time_zone, confirm_address) values ('Lakeside', 'UTC', 'never');
insert into doctor (clinic_id, id, name) select 1, mint_id(1), 'Dr ' || n from generate_series(1, {DOCTORS}) as n;
insert into customer (name) select 'Customer ' || n from generate_series(1, {CUSTOMERS}) as n;
insert into booking_slot (clinic_id, id, doctor_id, date, during)
select 1, mint_id(1), id, day, tstzrange(day + interval '8 hours', day + interval '16 hours')
  from doctor, generate_series(current_date + 1, current_date + {DAYS}, interval '1 day') as day;
"""
OVERLAPS = """
with live as (
  select lower(active_claim) < lag(upper(active_claim)) over (partition by doctor_id order by active_claim)
         as doctor_overlap,
         lower(active_during) < lag(upper(active_during)) over (partition by customer_id order by active_during)
         as customer_overlap
    from appointment
)
select count(*) from live where doctor_overlap or customer_overlap
"""


class Request(NamedTuple):
    key: str
    doctor_id: str
    customer_id: str
    start: datetime

    @property
    def json(self) -> dict[str, str]:
        end = self.start + timedelta(minutes=15)
        return {
            "doctorId": self.doctor_id,
            "customerId": self.customer_id,
            "startTime": self.start.isoformat(),
            "endTime": end.isoformat(),
        }


class Supervisor:
    """Restarts an `appoint …` process whenever it ends."""

    def __init__(self, stack: ExitStack, data_dir: Path, command: str) -> None:
        self.start = lambda: stack.enter_context(
            appoint(command, data_dir=data_dir, log_level="error", log_format="json", appointments_per_customer=1000)
        )
        self.processes: list[Process] = [self.start()]

    async def supervise(self) -> None:
        while True:
            if self.popen.poll() is not None:
                self.processes.append(self.start())
            await asyncio.sleep(0.02)

    @property
    def popen(self) -> subprocess.Popen[str]:
        """The process that is running, or that has just been killed."""
        return self.processes[-1].popen

    async def address(self) -> str:
        """Wait until the server is ready, and return its address."""
        while True:
            for line in self.processes[-1].lines[:5]:
                if line.startswith("Appoint is at ") and self.popen.poll() is None:
                    return line.split()[-1]
            await asyncio.sleep(0.02)


class Run:
    """Clients that book appointments, and a process killer."""

    def __init__(
        self, stack: ExitStack, data_dir: Path, postgres: Cluster, doctors: list[str], customers: list[str]
    ) -> None:
        self.postgres = postgres
        self.server = Supervisor(stack, data_dir, "serve")
        self.worker = Supervisor(stack, data_dir, "worker")
        self.chance = random.Random(20270301)
        self.requests = self.generate_requests(doctors, customers)
        self.acknowledged: dict[str, Request] = {}
        self.retries = self.kills = 0
        self.remaining_moments = len(KILLS)

    def generate_requests(self, doctors: list[str], customers: list[str]) -> Iterator[Request]:
        """Generate requests, some of which compete for the same doctor's or customer's time."""
        midnight = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        for number in count():
            start = midnight + timedelta(
                days=self.chance.randrange(DAYS), hours=8, minutes=15 * self.chance.randrange(32)
            )
            yield Request(f"request-{number}", self.chance.choice(doctors), self.chance.choice(customers), start)

    async def book(self, http: httpx2.AsyncClient, request: Request) -> httpx2.Response:
        """Send the request with the same key until there is a response."""
        for attempt in count():
            self.retries += attempt > 0
            try:
                response = await http.post(
                    f"{await self.server.address()}/api/appointments",
                    json=request.json,
                    headers={"Idempotency-Key": request.key},
                )
            except httpx2.TransportError:
                continue
            if response.status_code != 503:
                return response
            await asyncio.sleep(0.2)
        raise AssertionError("counting never ends")

    async def client(self) -> None:
        async with httpx2.AsyncClient(timeout=10, headers=ADMIN) as http:
            while len(self.acknowledged) < BOOKINGS or self.remaining_moments:
                request = next(self.requests)
                response = await self.book(http, request)
                assert response.status_code in {201, 409}, response.text
                if response.status_code == 201:
                    self.acknowledged[response.json()["id"]] = request

    async def kill_at_random_times(self) -> None:
        """Kill processes after random numbers of bookings, so that the server and the database have recovered before
        each kill.
        """
        kill_points = sorted(self.chance.sample(range(20, BOOKINGS), len(KILLS)))
        for kill_point, victims in zip(kill_points, self.chance.sample(KILLS, len(KILLS)), strict=True):
            while len(self.acknowledged) < kill_point:
                await asyncio.sleep(0.005)
            await asyncio.sleep(self.chance.uniform(0, 0.03))
            if "worker" in victims:
                await self.worker_beats()  # it has recovered from the previous kill
            for victim in victims:
                await self.kill(victim)
            self.remaining_moments -= 1

    async def kill(self, victim: str) -> None:
        match victim:
            case "server":
                self.server.popen.kill()
            case "worker":
                self.worker.popen.kill()
            case _:
                for process in await self.database(victim):
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
        self.kills += 1

    async def database(self, part: str) -> list[psutil.Process]:
        """Wait until the database serves connections, and return the processes to kill."""
        while True:
            with suppress(psutil.NoSuchProcess):
                if postmaster := self.postgres.postmaster():
                    children = postmaster.children()
                    if serving := [child for child in children if "appoint" in " ".join(child.cmdline())]:
                        return {
                            "postmaster": [postmaster],
                            "backend": serving[:1],
                            "whole database": [postmaster, *children],
                        }[part]
            await asyncio.sleep(0.01)

    async def worker_beats(self) -> None:
        """Wait for the running worker's heartbeat."""
        while True:
            try:
                connection = await asyncpg.connect(self.postgres.url, timeout=5)
                beats = await connection.fetchval(
                    "select count(*) from worker_heartbeat where worker like '%/' || $1", str(self.worker.popen.pid)
                )
                await connection.close()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                beats = 0
            if beats:
                return
            await asyncio.sleep(0.1)

    async def execute(self) -> None:
        supervising = [asyncio.create_task(each.supervise()) for each in (self.server, self.worker)]
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self.kill_at_random_times(), *(self.client() for _ in range(CLIENTS))):
                    tasks.create_task(work)
            await self.worker_beats()
        finally:
            for task in supervising:
                task.cancel()
        for victim in ("whole database", "server", "worker"):
            await self.kill(victim)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="appoint-test-"))
    folder.chmod(0o711)  # when started as root, the database runs under a different account
    yield folder / "data"
    shutil.rmtree(folder)


async def test_acknowledged_bookings_survive_kills_without_double_bookings(data_dir):
    with embedded.running(data_dir, say=lambda _: None) as database:
        await migrate.upgrade(database.url)
        connection = await asyncpg.connect(database.url)
        await connection.execute(SETUP)
        doctors = [str(row["id"]) for row in await connection.fetch("select id from doctor")]
        customers = [str(row["id"]) for row in await connection.fetch("select id from customer")]
        await connection.close()
    postgres, _ = provisioning.prepare(data_dir, lambda _: None, durable=True)
    with ExitStack() as stack:
        run = Run(stack, data_dir, postgres, doctors, customers)
        async with asyncio.timeout(300):
            await run.execute()
    assert run.kills == sum(map(len, KILLS)) + 3
    assert len(run.acknowledged) >= BOOKINGS
    assert run.retries
    assert [
        line
        for supervisor in (run.server, run.worker)
        for process in supervisor.processes
        for line in process.lines
        if '"bug"' in line or "job failed" in line
    ] == []

    with embedded.running(data_dir, say=lambda _: None) as database:
        connection = await asyncpg.connect(database.url)
        appointments = {
            str(row["id"]): row for row in await connection.fetch("select *, lower(during) as start from appointment")
        }
        events = await connection.fetch(
            """
            select subject_id, type, subject_version from event where type like 'appointment.%'
            union all select subject_id, type, subject_version from event_log where type like 'appointment.%'
            """
        )
        overlaps = await connection.fetchval(OVERLAPS)
        await connection.close()
    assert {
        id: Request(row["idempotency_key"], str(row["doctor_id"]), str(row["customer_id"]), row["start"])
        for id, row in appointments.items()
    } == {
        id: request._replace(key=hashlib.sha256(request.key.encode()).hexdigest())
        for id, request in run.acknowledged.items()
    }
    assert {row["status"] for row in appointments.values()} == {"booked"}
    assert overlaps == 0
    assert sorted(events) == sorted((id, "appointment.booked", 1) for id in appointments)
