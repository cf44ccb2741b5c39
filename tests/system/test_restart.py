"""What was acknowledged is there, whoever was killed meanwhile: real processes and kill -9, at random moments, under
load."""

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
from support.processes import Process, appoint
from support.scale import scaled

WANTED = scaled(2000, 300)
"""Bookings that somebody was told about."""
CLIENTS = 12
DOCTORS, CUSTOMERS, DAYS = 6, 60, 45
KILLS = [
    *[["server"], ["server", "whole database"], ["server", "worker"]],
    *[["worker"], ["worker", "postmaster"]],
    *[["whole database"]] * 3,
    *[["postmaster"]] * 2,
    *[["backend"]] * 8,
][:: scaled(1, 3)]
"""Who is killed at one moment; the database by its first process, by one of those that serve connections, or as a
whole."""

SETUP = f"""
insert into clinic (name, time_zone) values ('Lakeside', 'UTC');
insert into doctor (clinic_id, id, name) select 1, mint_id(1), 'Dr ' || n from generate_series(1, {DOCTORS}) as n;
insert into customer (name) select 'Customer ' || n from generate_series(1, {CUSTOMERS}) as n;
insert into booking_slot (clinic_id, id, doctor_id, date, during)
select 1, mint_id(1), id, day, tstzrange(day + interval '8 hours', day + interval '16 hours')
  from doctor, generate_series(current_date + 1, current_date + {DAYS}, interval '1 day') as day;
"""
OVERLAPS = """
with live as (
  select lower(active_claim) < lag(upper(active_claim)) over (partition by doctor_id order by active_claim) as doctor_double,
         lower(active_during) < lag(upper(active_during)) over (partition by customer_id order by active_during) as customer_double
    from appointment
)
select count(*) from live where doctor_double or customer_double
"""


class Wish(NamedTuple):
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


class Kept:
    """An `appoint …` that is started again whenever it ends, as a process manager would."""

    def __init__(self, stack: ExitStack, data_dir: Path, command: str) -> None:
        self.start = lambda: stack.enter_context(
            appoint(command, data_dir=data_dir, log_level="error", log_format="json", appointments_per_customer=1000)
        )
        self.processes: list[Process] = [self.start()]

    async def keep(self) -> None:
        while True:
            if self.popen.poll() is not None:
                self.processes.append(self.start())
            await asyncio.sleep(0.02)

    @property
    def popen(self) -> subprocess.Popen[str]:
        """The one that runs, or has just been killed."""
        return self.processes[-1].popen

    async def address(self) -> str:
        """Where it serves, as soon as it does."""
        while True:
            for line in self.processes[-1].lines[:5]:
                if line.startswith("Appoint is at ") and self.popen.poll() is None:
                    return line.split()[-1]
            await asyncio.sleep(0.02)


class Run:
    """The load, and those who are killed under it."""

    def __init__(
        self, stack: ExitStack, data_dir: Path, postgres: Cluster, doctors: list[str], customers: list[str]
    ) -> None:
        self.postgres = postgres
        self.server = Kept(stack, data_dir, "serve")
        self.worker = Kept(stack, data_dir, "worker")
        self.chance = random.Random(20270301)
        self.wishes = self.wish(doctors, customers)
        self.acknowledged: dict[str, Wish] = {}
        self.repeated = self.killed = 0
        self.moments_to_come = len(KILLS)

    def wish(self, doctors: list[str], customers: list[str]) -> Iterator[Wish]:
        """Some want the same time of a doctor, or of a customer."""
        midnight = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        for number in count():
            start = midnight + timedelta(
                days=self.chance.randrange(DAYS), hours=8, minutes=15 * self.chance.randrange(32)
            )
            yield Wish(f"wish-{number}", self.chance.choice(doctors), self.chance.choice(customers), start)

    async def book(self, http: httpx2.AsyncClient, wish: Wish) -> httpx2.Response:
        """Ask, and ask again with the same key, until there is an answer."""
        for attempt in count():
            self.repeated += attempt > 0
            try:
                answer = await http.post(
                    f"{await self.server.address()}/api/appointments",
                    json=wish.json,
                    headers={"Idempotency-Key": wish.key},
                )
            except httpx2.TransportError:
                continue
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(0.2)
        raise AssertionError("counting never ends")

    async def client(self) -> None:
        async with httpx2.AsyncClient(timeout=10) as http:
            while len(self.acknowledged) < WANTED or self.moments_to_come:
                wish = next(self.wishes)
                answer = await self.book(http, wish)
                assert answer.status_code in {201, 409}, answer.text
                if answer.status_code == 201:
                    self.acknowledged[answer.json()["id"]] = wish

    async def kill_at_random_moments(self) -> None:
        """Moments are counted in bookings, so server and database must be well again before the next one comes."""
        moments = sorted(self.chance.sample(range(20, WANTED), len(KILLS)))
        for moment, victims in zip(moments, self.chance.sample(KILLS, len(KILLS)), strict=True):
            while len(self.acknowledged) < moment:
                await asyncio.sleep(0.005)
            await asyncio.sleep(self.chance.uniform(0, 0.03))
            if "worker" in victims:
                await self.worker_beats()  # the one before has come back
            for victim in victims:
                await self.kill(victim)
            self.moments_to_come -= 1

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
        self.killed += 1

    async def database(self, part: str) -> list[psutil.Process]:
        """Of a database that serves: when it has just been killed, the next one."""
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
        """The worker that runs now has been heard of."""
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

    async def go(self) -> None:
        keeping = [asyncio.create_task(kept.keep()) for kept in (self.server, self.worker)]
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self.kill_at_random_moments(), *(self.client() for _ in range(CLIENTS))):
                    tasks.create_task(work)
            await self.worker_beats()
        finally:
            for task in keeping:
                task.cancel()
        for victim in ("whole database", "server", "worker"):
            await self.kill(victim)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="appoint-test-"))
    folder.chmod(0o711)  # for root the database runs as somebody else
    yield folder / "data"
    shutil.rmtree(folder)


async def test_after_every_kill_all_that_was_acknowledged_is_there_and_nobody_is_booked_twice(data_dir):
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
            await run.go()
    assert run.killed == sum(map(len, KILLS)) + 3
    assert len(run.acknowledged) >= WANTED
    assert run.repeated
    assert [
        line
        for kept in (run.server, run.worker)
        for process in kept.processes
        for line in process.lines
        if '"bug"' in line or "job failed" in line
    ] == []

    with embedded.running(data_dir, say=lambda _: None) as database:
        connection = await asyncpg.connect(database.url)
        there = {
            str(row["id"]): row for row in await connection.fetch("select *, lower(during) as start from appointment")
        }
        told = await connection.fetch(
            """
            select subject_id, type, subject_version from event where type like 'appointment.%'
            union all select subject_id, type, subject_version from event_log where type like 'appointment.%'
            """
        )
        overlaps = await connection.fetchval(OVERLAPS)
        await connection.close()
    assert {
        id: Wish(row["idempotency_key"], str(row["doctor_id"]), str(row["customer_id"]), row["start"])
        for id, row in there.items()
    } == {id: wish._replace(key=hashlib.sha256(wish.key.encode()).hexdigest()) for id, wish in run.acknowledged.items()}
    assert {row["status"] for row in there.values()} == {"booked"}
    assert overlaps == 0
    assert sorted(told) == sorted((id, "appointment.booked", 1) for id in there)
