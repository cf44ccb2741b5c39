"""The measurements. Each compares rates within a round, so other load on the machine affects both sides equally."""

import asyncio
import shutil
import sys
import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx2

from . import load, numbers, outbox, startup, world
from .bookings import booking
from .load import Server
from .world import DOCTORS, HALF_BOOKED, PLACES, World

RACERS = 64
FIRST = {"doctor-day": "day", "clinic-week": "week", "month page": "month"}
REPEATED = {
    "empty": "empty",
    "repeated doctor-day": "hot",
    "repeated clinic-week": "hotweek",
    "repeated month page": "hotmonth",
}
"""Names of measurements, and the kinds of requests that they send."""
BOOKINGS_RATE = 300
"""Bookings per second beside reads."""
VERDICTS = {True: ", met", False: ", **missed**"}
GATHERED = {1: 0.0, 16: 0.9, 64: 1.3, 256: 1.2}
"""Numbers of connections, and the goals for bookings over HTTP ÷ the statement in pgbench."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def require_wrk() -> None:
    """Exit if wrk is not installed."""
    if not shutil.which("wrk"):
        sys.exit("The benchmarks need wrk. On Debian: apt-get install wrk")


class Place(NamedTuple):
    """A data set, the server that runs on it, and the server's memory before the load."""

    world: World
    server: Server
    idle_bytes: int


class Bench:
    """The measurements, their results, and the faults they have found."""

    def __init__(self, binaries: Path, *, rounds: int, seconds: int) -> None:
        self.binaries, self.rounds, self.seconds = binaries, rounds, seconds
        self.rates: dict[str, list[float]] = defaultdict(list)
        self.ratios: list[str] = []
        self.facts: list[str] = []
        self.faults: list[str] = []

    def record(self, name: str, rate: float) -> None:
        self.rates[name].append(rate)
        say(f"  {name}: {rate:,.0f}/s")

    def add_fault(self, text: str) -> None:
        self.faults.append(text)
        say(f"  FAULT: {text}")

    def compare(self, what: str, over: str, under: str, *, at_least: float = 0, at_most: float = 0) -> None:
        """Add a line to the table with the ratio of two rates in each round."""
        ratios = [one / other for one, other in zip(self.rates[over], self.rates[under], strict=True)]
        required = f"≥ {at_least}" if at_least else f"≤ {at_most}" if at_most else ""
        if required:
            met = median(ratios) >= at_least if at_least else median(ratios) <= at_most
            required += VERDICTS[met]
        rates = " against ".join(f"{median(self.rates[name]):,.0f}" for name in (over, under))
        self.ratios.append(
            f"| {what} | **{median(ratios):.3g}** | {min(ratios):.3g} | {max(ratios):.3g} | {required} | {rates} |"
        )

    async def book(
        self, name: str, place: World, server: Server | None, connections: int = load.CLIENTS, sql: str = load.SCRIPT
    ) -> None:
        """Measure bookings through the server, or with a statement alone, and count them in the database."""
        before = await place.count()
        if server:
            result = load.wrk(place, server.address, "book", connections=connections, seconds=self.seconds)
        else:
            result = load.pgbench(place, self.binaries, seconds=self.seconds, sql=sql)
        written = await place.count() - before
        requests = result.successes + result.refusals
        # The last bookings may be in the database even though their responses did not arrive in time.
        if server and not result.successes <= written <= result.successes + connections:
            self.add_fault(f"{name}: {result.successes} responses with 201, {written} appointments")
        if result.errors or written < requests * 0.9:
            self.add_fault(f"{name}: {written} of {requests} requests became appointments, {result.errors} errors")
        self.record(name, result.rate * min(written / result.successes, 1))

    def read(self, name: str, place: Place, kind: str, connections: int = load.CLIENTS) -> None:
        result = load.wrk(place.world, place.server.address, kind, connections=connections, seconds=self.seconds)
        if result.errors:
            self.add_fault(f"{name}: {result.errors} errors")
        self.record(name, result.rate)

    async def statement_and_http(self, place: Place, two: Place) -> None:
        for number in range(self.rounds):
            say(f"Bookings, round {number + 1} of {self.rounds}")
            await self.book("statement", place.world, None)
            await self.book("http 16", place.world, place.server)
            await self.book("http 64", place.world, place.server, 64)
            await self.book("http 16, two", place.world, two.server)
            self.read("empty 64", place, "empty", 64)
        a = "(a) the statement in pgbench, 16 clients"
        self.compare(f"(b) bookings over HTTP, 16 connections ÷ {a}", "http 16", "statement", at_least=0.35)
        self.compare("(b) the same with 64 connections ÷ (a)", "http 64", "statement", at_least=0.35)
        self.compare("(b) the same with 16 connections and two server processes ÷ (a)", "http 16, two", "statement")
        self.compare("(b) the same with 64 connections ÷ (d) with 64 connections", "http 64", "empty 64", at_least=0.3)

    async def gathered(self, place: Place, alone: Place) -> None:
        """Compare bookings that share statements with bookings that each have their own, and both with pgbench."""
        for number in range(self.rounds):
            say(f"Gathered bookings, round {number + 1} of {self.rounds}")
            await self.book("one by one in pgbench", place.world, None)
            await self.book("floor", place.world, None, sql=load.FLOOR)
            for connections in GATHERED:
                await self.book(f"gathered {connections}", place.world, place.server, connections)
                await self.book(f"alone {connections}", place.world, alone.server, connections)
        for connections in GATHERED:
            self.compare(
                f"(n) bookings over HTTP, gathered ÷ each with its own statement, {connections} connections",
                f"gathered {connections}",
                f"alone {connections}",
                at_least=0.95 if connections == 1 else 0,
            )
        for connections, goal in GATHERED.items():
            if goal:
                self.compare(
                    f"(n) bookings over HTTP, gathered, {connections} connections ÷ (a)",
                    f"gathered {connections}",
                    "one by one in pgbench",
                    at_least=goal,
                )
        self.compare(
            "(n) bookings over HTTP, gathered, 64 connections ÷ (k) the same rows written without any check in "
            "pgbench, 16 clients",
            "gathered 64",
            "floor",
            at_least=0.9,
        )

    async def reads(self, place: Place, first: Place) -> None:
        """Measure requests for free times. The server at `first` never reuses a response."""
        day = place.world.opening(HALF_BOOKED[0]).date()
        availability = httpx2.get(
            f"{place.server.address}/api/clinics/1/availability?date={day}&minutes={world.MINUTES}", timeout=30
        ).json()
        if availability["days"][0]["free"] != DOCTORS * PLACES // 2:
            self.add_fault(f"{availability['days'][0]['free']} times are free on a half-booked day")
        for number in range(self.rounds):
            say(f"Availability, round {number + 1} of {self.rounds}")
            await self.read_beside_bookings("doctor-day beside bookings", place, "hot")
            for names, where in ((FIRST, first), (REPEATED, place)):
                for name, kind in names.items():
                    self.read(name, where, kind)
        week = f"of a clinic-week, {DOCTORS} doctors, half booked"
        for what, name, first_goal, repeated_goal in (
            ("availability of a doctor-day, half booked", "doctor-day", 0.28, 0.8),
            (f"availability {week}", "clinic-week", 0.07, 0.5),
            ("the page with a clinic's month, as HTML", "month page", 0.07, 0.5),
        ):
            self.compare(f"(c) {what}, each computed ÷ (d) `/healthz`", name, "empty", at_least=first_goal)
            self.compare("(c) the same one each time ÷ (d)", f"repeated {name}", "empty", at_least=repeated_goal)
        self.compare(
            f"(c) the same doctor-day each time, beside {BOOKINGS_RATE} bookings per second ÷ (d) on its own",
            "doctor-day beside bookings",
            "empty",
            at_least=0.6,
        )

    async def read_beside_bookings(self, name: str, place: Place, kind: str) -> None:
        async with booking(place.world, place.server.address, BOOKINGS_RATE) as statuses:
            began = time.perf_counter()
            await asyncio.to_thread(self.read, name, place, kind)
            rate = (statuses[201] + statuses[409]) / (time.perf_counter() - began)
        if others := {status: number for status, number in statuses.items() if status not in (201, 409)}:
            self.add_fault(f"{name}: bookings with the statuses {others}")
        if rate < 0.9 * BOOKINGS_RATE:
            self.add_fault(f"{name}: only {rate:.0f} bookings per second")

    async def races(self, place: Place, *, rounds: int) -> None:
        say(f"{RACERS} concurrent requests for one time, {rounds} rounds")
        before = await place.world.count()
        responses = await load.race(place.world, place.server.address, racers=RACERS, rounds=rounds)
        winners = [sum(status == 201 for status, _ in each) for each in responses]
        others = sum(status not in (201, 409) for each in responses for status, _ in each)
        if set(winners) != {1} or others or await place.world.count() - before != rounds:
            written = await place.world.count() - before
            self.add_fault(
                f"races: {winners} winners, {others} responses other than 201 and 409, {written} appointments"
            )
        worst = max(seconds for each in responses for _, seconds in each)
        typical = median(max(seconds for _, seconds in each) for each in responses)
        self.facts.append(
            f"(e) {RACERS} concurrent requests for one time, {rounds} rounds: {sum(winners)} succeeded, and "
            f"{others} received a response other than 201 or 409. The last response in a round took "
            f"{typical * 1000:.0f} ms (median) and {worst * 1000:.0f} ms (worst)."
        )

    async def growth(self, places: dict[int, Place]) -> None:
        for number in range(self.rounds):
            for size, place in list(places.items())[:: 1 if number % 2 else -1]:
                say(f"Growth, round {number + 1} of {self.rounds}, {size:,} appointments")
                self.read(f"doctor-day {size:,}", place, "day")
                await self.book(f"booking {size:,}", place.world, place.server)
                if size == min(places):
                    await place.world.sweep()  # otherwise, it would grow by half
        smallest = min(places)
        for size in sorted(places)[1:]:
            for name, what in (("booking", "a booking over HTTP"), ("doctor-day", "availability of a doctor-day")):
                self.compare(
                    f"(f) time for {what}, {size:,} ÷ {smallest:,} appointments",
                    f"{name} {smallest:,}",
                    f"{name} {size:,}",
                    at_most=1.2,
                )

    async def relay(self, place: Place) -> None:
        for number in range(self.rounds):
            say(f"Relay, round {number + 1} of {self.rounds}")
            self.record("deleted", await outbox.delete_rate(place.world))
            self.record("relayed", await outbox.relay_rate(place.world))
        self.compare(
            "(h) events relayed by one worker ÷ the same rows deleted with `DELETE … RETURNING`", "relayed", "deleted"
        )

    async def outbox(self, place: Place, full: int) -> None:
        say(f"Filling an outbox with {full:,} events")
        await outbox.prepare_second(place.world, full)
        for number in range(self.rounds):
            say(f"Bookings with an empty and a full outbox, round {number + 1} of {self.rounds}")
            for turn, name in enumerate(("empty outbox", "full outbox")[:: -1 if number % 2 else 1]):
                if turn:
                    await outbox.switch(place.world)
                await self.book(name, place.world, place.server)
        self.compare(
            f"(i) bookings over HTTP with {full:,} events in the outbox ÷ with none",
            "full outbox",
            "empty outbox",
            at_least=0.95,
        )

    async def numbers(self, place: Place) -> None:
        last = place.world.created_on + timedelta(days=HALF_BOOKED[1])
        for number in range(self.rounds):
            say(f"Reports, round {number + 1} of {self.rounds}")
            for name in numbers.NUMBERS:
                from_sums, from_rows = await numbers.rates(
                    place.world, name, first=last - timedelta(days=83), last=last, seconds=self.seconds / 4
                )
                self.record(f"{name}, from sums", from_sums)
                self.record(f"{name}, from rows", from_rows)
        for name in numbers.NUMBERS:
            self.compare(
                f"(j) {name}, for a clinic over twelve weeks, from the daily sums ÷ from all rows",
                f"{name}, from sums",
                f"{name}, from rows",
                at_least=10,
            )

    async def memory(self, place: Place, two: Place) -> None:
        say("Memory, and requests on a kept-alive connection")
        for name, each in (("one process", place), ("two processes", two)):
            waits = await load.times_on_one_connection(each.server.address, requests=300)
            if median(waits) > 0.010:
                self.add_fault(f"{name}: a kept-alive request takes {median(waits) * 1000:.1f} ms")
            idle, loaded = each.idle_bytes >> 20, each.server.memory() >> 20
            self.facts.append(
                f"(g) the server, {name}: {idle} MB resident when idle, {loaded} MB after the load. "
                f"A request on a kept-alive connection takes {median(waits) * 1000:.2g} ms (median of {len(waits)})."
            )

    def startup(self, place: Place) -> None:
        """Compare the server's import time and idle memory with those of its framework."""
        servers = [startup.start(startup.SERVER) for _ in range(self.rounds)]
        frameworks = [startup.start(startup.FRAMEWORK) for _ in range(self.rounds)]
        ratios = [one.cpu_seconds / other.cpu_seconds for one, other in zip(servers, frameworks, strict=True)]
        seconds = median(each.cpu_seconds for each in servers)
        self.facts.append(
            f"(l) importing the server takes {median(ratios):.2g} × the CPU time of importing Litestar, uvicorn, "
            f"msgspec and asyncpg alone, {seconds:.2f} s here; the goal is at most 1.0 s{VERDICTS[seconds <= 1]}."
        )
        idle, alone = place.idle_bytes, median(each.resident_bytes for each in frameworks)
        self.facts.append(
            f"(m) one idle server process uses {idle >> 20} MB, {idle / alone:.2g} × the memory of those libraries; "
            f"the goal is at most 110 MB{VERDICTS[idle >> 20 <= 110]}."
        )
