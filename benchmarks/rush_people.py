"""People who all want to book at the same clinic: an open-loop load generator.

Everyone acts when they are due, whether or not the server has kept up, so its delays count in full. A person is a
cookie and a due time, not a connection, which is why a million of them fit into one process.
"""

import asyncio
import heapq
import json
import random
import time
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import count
from typing import NamedTuple

from appoint.clinics.queues import tickets
from appoint.clinics.queues.tickets import Ticket, cookie_name
from appoint.kit import clock

from .load import SECRET_KEY, token_of
from .rush_client import Client, Clients, Response
from .world import customer_id

MAX_TRIES = 5
NEVER = 10**12
"""The number of a ticket whose turn never comes."""
TYPE = "{:08x}-0000-8000-8000-000000000000"


class Plan(NamedTuple):
    people: int
    first_rate: float
    last_rate: float
    """People who arrive per second, at the start and at the end."""
    seconds: float
    clinic: int
    days: list[date]
    """The days with free times."""
    first_customer: int
    customers: int
    bookings_rate: float = 0
    """People per second who already have a pass. If it is not 0, everyone else only watches the queue."""
    healthz: float = 0
    """How many `/healthz` responses per second the server sends when nothing else happens, as a measure of the machine.
    """
    patience: float = 1
    """How long people wait before they refresh, as a share of what the page says."""

    def rate_at(self, seconds: float) -> float:
        return self.first_rate + (self.last_rate - self.first_rate) * min(seconds / self.seconds, 1)


class Person:
    __slots__ = ("cookie", "customer", "is_in", "tries")

    def __init__(self, cookie: str = "", *, is_in: bool = False) -> None:
        self.cookie = cookie
        self.customer = 0
        self.is_in = is_in
        """Whether they have reached the booking pages."""
        self.tries = 0


class Acknowledgement(NamedTuple):
    """A booking that the server has confirmed."""

    appointment: str
    customer: str
    start: str


class Journal:
    """What happened, second by second."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.acknowledged: list[Acknowledgement] = []
        self.statuses = Counter[str]()
        self.seconds: dict[int, Counter[str]] = defaultdict(Counter)
        self.waits: dict[str, list[tuple[float, float]]] = defaultdict(list)
        """How long responses took, each with the time when it was due: queue pages, admitted requests, staff."""
        self.late: dict[int, float] = defaultdict(float)
        """By how much the load generator was late in each second, at most, because it was busy."""
        self.memory: list[tuple[float, int]] = []
        self.lost = 0
        """People who left because everything was taken."""

    def note(self, kind: str, due: float, status: int) -> None:
        now = time.perf_counter()
        self.waits[kind].append((due - self.began, now - due))
        self.statuses[f"{kind} {status}"] += 1
        self.seconds[int(now - self.began)][kind] += 1


class Rush:
    """Everyone who has reached the booking pages has a connection of their own. The queue pages of all others share
    `connections` connections."""

    def __init__(self, address: str, plan: Plan, *, connections: int) -> None:
        self.plan = plan
        self.connections = connections
        self.clients = Clients(address)
        self.journal = Journal()
        self.due: list[tuple[float, int, Person]] = []
        self.visits: asyncio.Queue[tuple[float, Person]] = asyncio.Queue()
        self.tasks: set[asyncio.Task[None]] = set()
        self.numbers, self.customers = count(), count()
        self.sold_out: set[date] = set()

    async def run(self) -> Journal:
        visitors = [asyncio.create_task(self._visit_in_turn()) for _ in range(self.connections)]
        try:
            await self._dispatch()
        finally:
            for task in (*visitors, *self.tasks):
                task.cancel()
            await asyncio.gather(*visitors, *self.tasks, return_exceptions=True)
            self.clients.close()
        return self.journal

    async def _dispatch(self) -> None:
        """Let people arrive, and act again when they are due. Afterwards, wait for the requests under way."""
        plan, began = self.plan, time.perf_counter()
        self.journal.began = began
        arrived, booked, last = 0.0, 0.0, began
        people, bookers = 0, 0
        while (now := time.perf_counter()) < began + plan.seconds:
            arrived += plan.rate_at(now - began) * (now - last)
            booked += plan.bookings_rate * (now - last)
            last = now
            while people < min(int(arrived), plan.people):
                people += 1
                self._add(now, Person(self._ticket("ticket", NEVER + people) if plan.bookings_rate else ""))
            while bookers < int(booked):
                bookers += 1
                self._add(now, Person(self._ticket("pass", bookers), is_in=True))
            while self.due and self.due[0][0] <= now:
                due, _, person = heapq.heappop(self.due)
                self._start(due, person)
            self.journal.seconds[int(now - began)]["arrived"] = people
            await asyncio.sleep(0.005)
        for _ in range(100):
            if self.visits.empty() and not self.tasks:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)

    def _start(self, due: float, person: Person) -> None:
        """Let a person do what is due: load the queue's page, book, or leave."""
        now = time.perf_counter()
        second = int(now - self.journal.began)
        self.journal.late[second] = max(self.journal.late[second], now - due)
        if not person.is_in:
            self.visits.put_nowait((due, person))
        elif person.tries >= MAX_TRIES or len(self.sold_out) == len(self.plan.days):
            self.journal.lost += 1
        else:
            task = asyncio.create_task(self._act(due, person))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def _ticket(self, kind, number: int) -> str:
        clinic = self.plan.clinic
        return f"{cookie_name(clinic)}={tickets.encode(SECRET_KEY, clinic, Ticket(kind, number, clock.now()))}"

    def _add(self, due: float, person: Person) -> None:
        heapq.heappush(self.due, (due, next(self.numbers), person))

    async def _visit_in_turn(self) -> None:
        """Load the pages of people who are waiting, one after another."""
        while True:
            await self._act(*await self.visits.get())

    async def _act(self, due: float, person: Person) -> None:
        try:
            async with self.clients.client() as client:
                await (self._book if person.is_in else self._visit)(client, due, person)
        except OSError:
            self.journal.statuses["broken connections"] += 1

    async def _visit(self, client: Client, due: float, person: Person) -> None:
        response = await self._send(client, person, "GET", f"/c/{self.plan.clinic}")
        refresh = response.headers.get(b"refresh")
        if self.plan.bookings_rate:
            self.journal.note("queue", due, response.status)  # each page belongs to a different person
        elif refresh:
            self.journal.note("queue", due, response.status)
            self._add(time.perf_counter() + int(refresh) * self.plan.patience, person)
        elif response.status == 200:
            self.journal.note("admitted", due, response.status)
            person.is_in = True
            self._add(time.perf_counter() + random.uniform(1, 5), person)
        else:
            self.journal.note("admitted", due, response.status)
            self._add(time.perf_counter() + 5, person)

    async def _book(self, client: Client, due: float, person: Person) -> None:
        """Look at a day and, if it has free times, book any of them in the morning or the afternoon."""
        day = random.choice([day for day in self.plan.days if day not in self.sold_out])
        type = TYPE.format(self.plan.clinic)
        person.tries += 1
        path = f"/api/clinics/{self.plan.clinic}/availability?date={day}&appointmentTypeId={type}"
        response = await self._send(client, person, "GET", path)
        self.journal.note("admitted", due, response.status)
        free = json.loads(response.body)["days"][0]["slots"] if response.status == 200 else []
        if response.status == 200 and not free:
            self.sold_out.add(day)
        if not free:
            self._add(time.perf_counter() + random.uniform(1, 3), person)
            return
        person.customer = person.customer or self.plan.first_customer + next(self.customers) % self.plan.customers
        customer = str(customer_id(person.customer))
        body = {
            "clinicId": self.plan.clinic,
            "date": str(day),
            "halfDay": random.choice(["morning", "afternoon"]),
            "appointmentTypeId": type,
            "customerId": customer,
            "customerToken": token_of(person.customer),
        }
        due = time.perf_counter()
        response = await self._send(client, person, "POST", "/api/appointments", json.dumps(body))
        self.journal.note("admitted", due, response.status)
        if response.status == 201:
            appointment = json.loads(response.body)
            self.journal.acknowledged.append(Acknowledgement(appointment["id"], customer, appointment["startTime"]))
            self.journal.seconds[int(time.perf_counter() - self.journal.began)]["booked"] += 1
        else:
            self._add(time.perf_counter() + random.uniform(1, 3), person)

    async def _send(self, client: Client, person: Person, method: str, path: str, body: str = "") -> Response:
        response = await client.send(method, path, body, cookie=person.cookie)
        if cookie := response.headers.get(b"set-cookie"):
            person.cookie = cookie.partition(b";")[0].decode()
        return response


def days_of(first: date, times: int, times_per_day: int) -> list[date]:
    """Return as many days as are needed for this many times."""
    return [first + timedelta(days=number) for number in range(-(-times // times_per_day))]
