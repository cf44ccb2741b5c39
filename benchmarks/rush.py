"""A rush on one clinic, from the first arrival to a check of every booking. `make rush` runs it."""

import asyncio
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import cyclopts
import psutil
import uvloop

from appoint.database import embedded

from . import load, rush_report, world
from .bench import say
from .rush_people import Journal, Plan, Rush, days_of, send
from .world import DOCTORS, FREE, PLACES, World

DOCS = Path(__file__).parents[1] / "docs"
CLINIC = 1
CONNECTIONS = 400
PROBE_SECONDS = 1.0
TOKEN = "the administrator's token for a rush"
DOCTOLIB_BOOKINGS, DOCTOLIB_PAGES = 333, 5000
TAKEN = "a.clinic_id = $1 and a.active_during && tstzrange($2, $3)"


def main(
    *,
    people: int = 1_000_000,
    times: int = 10_000,
    first_rate: float = 700,
    last_rate: float = 3000,
    minutes: float = 10,
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
        How long people arrive.
    workers
        Number of server processes.
    doctolib
        Instead, make 333 bookings per second with passes, alongside 5,000 queue pages per second.
    output
        The folder for the report, rush.md, and its plot, images/rush.svg.
    """
    if doctolib:
        first_rate = last_rate = DOCTOLIB_PAGES
        times, people = int(DOCTOLIB_BOOKINGS * minutes * 60 * 1.1), int(DOCTOLIB_PAGES * minutes * 60)
    uvloop.run(
        _serve_and_run(people, times, (first_rate, last_rate), minutes * 60, workers, doctolib=doctolib, output=output)
    )


async def _serve_and_run(people, times, rates, seconds, workers, *, doctolib, output) -> None:
    with embedded.running(world.FOLDER, say=say) as postgres:
        async with world.copy_of(postgres.url, 10_000, say) as data:
            with load.serving(data, workers=workers, APPOINT_ADMIN_TOKEN=TOKEN, APPOINT_QUEUE="automatic") as server:
                plan = plan_of(data, people, times, rates, seconds, bookings=DOCTOLIB_BOOKINGS if doctolib else 0)
                journal, checks = await run(data, plan, server.address, TOKEN, memory=server.memory)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {psutil.virtual_memory().total / 2**30:.0f} GB"
    text = rush_report.markdown(plan, journal, checks, machine, "images/rush.svg")
    rush_report.write(output, text, rush_report.plot(journal))
    say(text)
    sys.exit(1 if rush_report.faults_of(journal, checks) else 0)


def plan_of(data: World, people, times, rates, seconds, *, bookings: float = 0) -> Plan:
    days = days_of(data.created_on + timedelta(days=FREE[0]), times, DOCTORS * PLACES)
    customers = len(days) * DOCTORS * PLACES * 3
    return Plan(people, *rates, seconds, CLINIC, days, data.customers + 1, customers, bookings)


async def run(
    data: World, plan: Plan, address: str, token: str, *, memory: Callable[[], int], connections: int = CONNECTIONS
) -> tuple[Journal, dict[str, int]]:
    """Open the queue, let people arrive, and compare their journal with the database."""
    await add_customers(data, plan)
    stream = await connect(address)
    opened = await send(stream, "PATCH", f"/api/clinics/{plan.clinic}/queue", '{"open": true}', bearer=token)
    assert opened.status == 200, opened.body
    rush = Rush(address, plan, connections=connections)
    for _ in range(2):  # fill caches
        await send(stream, "GET", board_of(plan), bearer=token)
        await send(stream, "GET", f"/c/{plan.clinic}", bearer=token)
    probe = asyncio.create_task(_probe(rush.journal, stream, plan, token, memory))
    try:
        journal = await rush.run()
    finally:
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
    return journal, await check(data, plan, journal)


async def connect(address: str):
    host, port = address.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


def board_of(plan: Plan) -> str:
    return f"/staff/{plan.clinic}/board.json?from={plan.days[0]}&to={plan.days[0]}"


async def _probe(journal: Journal, stream, plan: Plan, token: str, memory: Callable[[], int]) -> None:
    """Load the staff's board every second, and measure the server's memory."""
    while True:
        due = time.perf_counter()
        response = await send(stream, "GET", board_of(plan), bearer=token)
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
