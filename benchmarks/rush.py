"""A rush on one clinic, from the first arrival to a check of every booking. `make rush` runs it."""

import asyncio
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import asyncpg
import cyclopts
import psutil
import uvloop

from appoint.database import embedded

from . import load, rush_report, world
from .bench import require_wrk, say
from .rush_client import Client, Clients
from .rush_people import Journal, Plan, Rush, days_of
from .world import DOCTORS, FREE, PLACES, World

DOCS = Path(__file__).parents[1] / "docs"
CLINIC = 1
CONNECTIONS = 1000
"""For the queue's pages."""
PROBE_SECONDS = 1.0
TOKEN = "the administrator's token for a rush"
DOCTOLIB_BOOKINGS, DOCTOLIB_PAGES = 333, 5000
DOCTOLIB_HEALTHZ = 9000
"""On a machine that serves fewer `/healthz` responses per second than this, the rates are reduced in proportion."""
SPARE_TIMES = 1.1
"""How many times a record minute has for each booking."""
MOST_TIMES = (FREE[1] - FREE[0] + 1) * DOCTORS * PLACES
MOST_MINUTES = 3.8
"""How long a record minute can be before the clinic runs out of times on the fastest machine."""
TAKEN = "a.clinic_id = $1 and a.active_during && tstzrange($2, $3)"


def main(
    *,
    people: int = 1_000_000,
    times: int = 10_000,
    first_rate: float = 700,
    last_rate: float = 3000,
    minutes: float | None = None,
    workers: int = 1,
    doctolib: bool = False,
    output: Path = DOCS,
) -> None:
    """Simulate many people booking at one clinic, and check that everything held.

    Parameters
    ----------
    people
        How many people want to book.
    times
        How many appointment times there are.
    first_rate
        How many people arrive per second at the start.
    last_rate
        How many people arrive per second at the end.
    minutes
        How long people arrive. The default is 10, or 1 with `doctolib`, where it can be at most 3.8.
    workers
        Number of server processes.
    doctolib
        Instead, make 333 bookings per second with passes, alongside 5,000 queue pages per second. A slower machine
        gets proportionally less to do.
    output
        The folder for the report, rush.md or record-minute.md, and its plot in images/.
    """
    minutes = minutes or (1 if doctolib else 10)
    if doctolib and minutes > MOST_MINUTES:
        sys.exit(f"--minutes must be at most {MOST_MINUTES} with --doctolib: the clinic has only {MOST_TIMES:,} times.")
    if times > MOST_TIMES:
        sys.exit(f"--times must be at most {MOST_TIMES}.")
    require_wrk()
    seconds = 60 * minutes
    plan = None if doctolib else partial(plan_of, people=people, times=times, rates=(first_rate, last_rate))
    uvloop.run(_serve_and_run(plan or doctolib_plan, seconds, workers, output))


async def _serve_and_run(make_plan: Callable[..., Plan], seconds: float, workers: int, output: Path) -> None:
    with embedded.running(world.FOLDER, say=say) as postgres:
        async with world.copy_of(postgres.url, 10_000, say) as data:
            with load.serving(data, workers=workers, APPOINT_ADMIN_TOKEN=TOKEN, APPOINT_QUEUE="automatic") as server:
                healthz = load.wrk(data, server.address, "empty", connections=load.CLIENTS, seconds=2).rate
                plan = make_plan(data, seconds=seconds, healthz=healthz)
                journal, checks = await run(data, plan, server.address, TOKEN, memory=server.memory)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {psutil.virtual_memory().total / 2**30:.0f} GB"
    text = rush_report.markdown(plan, journal, checks, machine)
    rush_report.write(output, rush_report.name_of(plan), text, rush_report.plot(journal))
    say(text)
    sys.exit(1 if rush_report.faults_of(plan, journal, checks) else 0)


def plan_of(data: World, people, times, rates, seconds, *, bookings: float = 0, healthz: float = 0) -> Plan:
    """Raise `ValueError` if the data set does not have as many free times."""
    days = days_of(data.created_on + timedelta(days=FREE[0]), times, DOCTORS * PLACES)
    if times > MOST_TIMES:
        raise ValueError(f"The clinic has only {MOST_TIMES:,} free times.")
    customers = len(days) * DOCTORS * PLACES * 3
    return Plan(people, *rates, seconds, CLINIC, days, data.customers + 1, customers, bookings, healthz)


def doctolib_plan(data: World, *, seconds: float, healthz: float) -> Plan:
    """Return the plan for as many bookings and queue pages as this machine can be expected to serve."""
    scale = min(healthz / DOCTOLIB_HEALTHZ, 1)
    bookings, pages = DOCTOLIB_BOOKINGS * scale, DOCTOLIB_PAGES * scale
    times, people = int(bookings * seconds * SPARE_TIMES), int(pages * seconds)
    return plan_of(data, people, times, (pages, pages), seconds, bookings=bookings, healthz=healthz)


async def run(
    data: World, plan: Plan, address: str, token: str, *, memory: Callable[[], int], connections: int = CONNECTIONS
) -> tuple[Journal, dict[str, int]]:
    """Open the queue, let people arrive, and compare their journal with the database."""
    await add_customers(data, plan)
    clients = Clients(address)
    async with clients.client() as client:
        opened = await client.send("PATCH", f"/api/clinics/{plan.clinic}/queue", '{"open": true}', bearer=token)
        assert opened.status == 200, opened.body
        rush = Rush(address, plan, connections=connections)
        for _ in range(2):  # fill caches
            await client.send("GET", board_of(plan), bearer=token)
            await client.send("GET", f"/c/{plan.clinic}", bearer=token)
        probe = asyncio.create_task(_probe(rush.journal, client, plan, token, memory))
        try:
            journal = await rush.run()
        finally:
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)
    clients.close()
    return journal, await check(data, plan, journal)


def board_of(plan: Plan) -> str:
    return f"/staff/{plan.clinic}/board.json?from={plan.days[0]}&to={plan.days[0]}"


async def _probe(journal: Journal, client: Client, plan: Plan, token: str, memory: Callable[[], int]) -> None:
    """Load the staff's board every second, and measure the server's memory."""
    while True:
        due = time.perf_counter()
        response = await client.send("GET", board_of(plan), bearer=token)
        journal.note("staff", due, response.status)
        journal.memory.append((due - journal.began, memory()))
        await asyncio.sleep(PROBE_SECONDS)


async def on_database(data: World, work: Callable[[asyncpg.Connection], Awaitable]):
    connection = await asyncpg.connect(data.url)
    try:
        return await work(connection)
    finally:
        await connection.close()


async def add_customers(data: World, plan: Plan) -> None:
    sql = f"""
        insert into customer (id, name)
        select {world.customer("n")}, 'Person ' || n from generate_series($1::bigint, $2::bigint) as n
    """
    last = plan.first_customer + plan.customers - 1
    await on_database(data, lambda connection: connection.execute(sql, plan.first_customer, last))


async def check(data: World, plan: Plan, journal: Journal) -> dict[str, int]:
    """Compare the acknowledged bookings with the database."""
    first = data.opening((plan.days[0] - data.created_on).days) - timedelta(hours=12)
    bounds = (plan.clinic, first, first + timedelta(days=len(plan.days)))

    async def read(connection):
        rows = await connection.fetch(f"select a.id::text from appointment a where {TAKEN}", *bounds)
        doubled = await connection.fetchval(
            f"""
            select count(*) from appointment a
              join appointment b on b.clinic_id = a.clinic_id and b.doctor_id = a.doctor_id and b.id > a.id
                                and b.active_during && a.active_during
             where {TAKEN}
            """,
            *bounds,
        )
        return {row["id"] for row in rows}, doubled

    ids, doubled = await on_database(data, read)
    acknowledged = {each.appointment for each in journal.acknowledged}
    return {
        "times": len(plan.days) * DOCTORS * PLACES,
        "booked": len(ids),
        "doubled": doubled,
        "lost": len(acknowledged - ids),
        "unacknowledged": len(ids - acknowledged),
        "repeated": len(journal.acknowledged) - len(acknowledged),
    }


if __name__ == "__main__":
    cyclopts.run(main)
