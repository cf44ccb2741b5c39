"""Every change is recorded as exactly one event of the catalogue.

Random operations run, and the tables before and after each are compared with its events.
"""

import json
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import jsonschema
import pytest

from appoint.booking import holds
from appoint.database.pool import Database
from appoint.events import model
from appoint.events.service import event_of
from appoint.kit import clock
from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, local
from support.rows import appointment_type, clinic, customer, doctor
from support.scale import scaled

VERSIONS = """
select 'appointment' as what, id::text, version, doctor_id::text as owner from appointment
union all select 'customer', id::text, version, null from customer
union all select 'absence', id::text, version, null from absence
union all select 'time-slot', id::text, version, null from time_slot
union all select 'line', id::text, version, doctor_id::text from doctor_slot
union all select 'clinic', id::text, case when active then 1 else 2 end, null from clinic
union all select 'manual slot', id::text, version, null from booking_slot
           where source = 'manual' or removed_at is not null
"""
EVENT_PREFIXES = {
    "appointment": ("appointment.",),
    "customer": ("customer.",),
    "absence": ("absence.",),
    "time-slot": ("time-slot.",),
}
"""Prefixes of the events that record each change of a row, one per change."""


class RandomOperations:
    """A clinic on which random operations run through the API."""

    def __init__(self, client, db: Database, dice: random.Random) -> None:
        self.client, self.db, self.dice = client, db, dice
        self.done: Counter[str] = Counter()

    async def begin(self) -> None:
        self.clinic = await clinic(self.client, policy={"horizonDays": 366})
        self.doctors = [await doctor(self.client, self.clinic, name=f"Dr {n}") for n in range(2)]
        self.customers = [await customer(self.client, name=f"C {n}") for n in range(4)]
        self.type = await appointment_type(self.client, self.clinic)
        week = {day: hours("08:00-12:00", "13:00-17:00") for day in ("monday", "tuesday", "wednesday")}
        for one in self.doctors:
            await self.client.put(f"/api/doctors/{one}/schedule", json={"weekly": week}, headers=ADMIN)
        await self.generate()

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.client.request(method, f"/api{path}", json=body, headers=ADMIN)
        assert answer.status_code < 500, answer.text
        return answer

    def time(self) -> datetime:
        return local(
            COMING_MONDAY + timedelta(days=self.dice.randrange(3)),
            f"{self.dice.randrange(8, 17):02}:{self.dice.choice(('00', '30'))}",
        )

    async def some(self, table: str) -> str | None:
        ids = [str(row[0]) for row in await self.db.fetch(f"select id from {table} order by id")]
        return self.dice.choice(ids) if ids else None

    async def generate(self) -> Any:
        last = COMING_MONDAY + timedelta(days=2)
        return await self.request(
            "POST",
            "/availability/createBookingSlots",
            {"clinicId": self.clinic, "from": str(COMING_MONDAY), "to": str(last)},
        )

    async def book(self) -> Any:
        body = {
            "customerId": self.dice.choice(self.customers),
            "appointmentTypeId": self.type,
            "startTime": self.time().isoformat(),
        }
        who = self.dice.choice([{"doctorId": self.dice.choice(self.doctors)}, {"clinicId": self.clinic}])
        return await self.request("POST", "/appointments", {**body, **who, "hold": self.dice.random() < 0.3})

    async def move(self) -> Any:
        return await self.request(
            "PUT",
            f"/appointments/{await self.some('appointment')}",
            {"startTime": self.time().isoformat(), "doctorId": self.dice.choice(self.doctors)},
        )

    async def step(self) -> Any:
        name = self.dice.choice(["confirm", "arrive", "unarrive", "checkIn", "fulfil", "noShow"])
        return await self.request("POST", f"/appointments/{await self.some('appointment')}/{name}")

    async def note(self) -> Any:
        return await self.request(
            "PATCH", f"/appointments/{await self.some('appointment')}", {"notes": str(self.dice.random())}
        )

    async def cancel(self) -> Any:
        return await self.request("DELETE", f"/appointments/{await self.some('appointment')}")

    async def expire(self) -> Any:
        return await holds.expire_holds(self.db, now=clock.now() + timedelta(hours=1))

    async def away(self) -> Any:
        start = self.time()
        body = {
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(hours=self.dice.randrange(1, 5))).isoformat(),
        }
        who = self.dice.choice([{}, {"doctorId": self.dice.choice(self.doctors)}])
        return await self.request(
            "POST", f"/clinics/{self.clinic}/absences?force={self.dice.choice(('true', 'false'))}", {**body, **who}
        )

    async def back(self) -> Any:
        return await self.request("DELETE", f"/absences/{await self.some('absence')}")

    async def schedule(self) -> Any:
        spans = hours(self.dice.choice(["08:00-12:00", "09:00-16:00", "13:00-17:00"]))
        return await self.request(
            "PUT",
            f"/doctors/{self.dice.choice(self.doctors)}/schedule",
            {"weekly": {"monday": spans, "wednesday": spans}},
        )

    async def apply(self) -> Any:
        one = self.dice.choice([f"/doctors/{self.dice.choice(self.doctors)}", f"/clinics/{self.clinic}"])
        return await self.request("POST", f"{one}/scheduleChanges", {"stranded": self.dice.choice(["keep", "refuse"])})

    async def add_line(self) -> Any:
        when = self.dice.choice(
            [
                {"timeSlotId": await self.some("time_slot")},
                {"startTime": "18:00", "endTime": f"{self.dice.randrange(19, 22)}:00"},
            ]
        )
        return await self.request(
            "POST",
            f"/doctors/{self.dice.choice(self.doctors)}/slots",
            {"weekday": self.dice.choice(["monday", "friday"]), **when},
        )

    async def change_line(self) -> Any:
        body = {"weekday": "tuesday", "startTime": "18:00", "endTime": f"{self.dice.randrange(19, 22)}:00"}
        return await self.request("PUT", f"/doctors/slots/{await self.some('doctor_slot')}", body)

    async def remove_line(self) -> Any:
        return await self.request("DELETE", f"/doctors/slots/{await self.some('doctor_slot')}")

    async def add_time_slot(self) -> Any:
        start = self.dice.randrange(0, 23)
        return await self.request(
            "POST", f"/clinics/{self.clinic}/timeslots", {"startTime": f"{start:02}:00", "endTime": f"{start:02}:45"}
        )

    async def change_time_slot(self) -> Any:
        start = self.dice.randrange(0, 23)
        return await self.request(
            "PUT",
            f"/timeslots/{await self.some('time_slot')}",
            {"startTime": f"{start:02}:00", "endTime": f"{start:02}:50"},
        )

    async def remove_time_slot(self) -> Any:
        return await self.request("DELETE", f"/timeslots/{await self.some('time_slot')}")

    async def publish(self) -> Any:
        start = local(COMING_MONDAY + timedelta(days=self.dice.randrange(3)), f"{self.dice.randrange(17, 20)}:00")
        return await self.request(
            "POST",
            "/bookingSlots",
            {
                "doctorId": self.dice.choice(self.doctors),
                "startTime": start.isoformat(),
                "endTime": (start + timedelta(hours=1)).isoformat(),
            },
        )

    async def move_slot(self) -> Any:
        start = self.time()
        return await self.request(
            "PUT",
            f"/bookingSlots/{await self.some('booking_slot')}",
            {"startTime": start.isoformat(), "endTime": (start + timedelta(hours=2)).isoformat()},
        )

    async def remove_slot(self) -> Any:
        return await self.request("DELETE", f"/bookingSlots/{await self.some('booking_slot')}")

    async def register(self) -> Any:
        return await self.request("POST", "/customers", {"name": "New"})

    async def change_customer(self) -> Any:
        return await self.request(
            "PATCH",
            f"/customers/{await self.some('customer')}",
            self.dice.choice([{"name": "Other"}, {"active": True}]),
        )

    async def remove_customer(self) -> Any:
        return await self.request("DELETE", f"/customers/{await self.some('customer')}")


OPERATIONS = [
    name
    for name in vars(RandomOperations)
    if not name.startswith("_") and name not in ("begin", "request", "time", "some")
]


async def rows(db: Database) -> dict[tuple[str, str], tuple[int, str | None]]:
    return {(row.what, row.id): (row.version, row.owner) for row in await db.fetch(VERSIONS)}


@pytest.mark.parametrize("seed", range(scaled(4, 1)))
async def test_every_change_has_exactly_one_event(client, db, seed):
    operations = RandomOperations(client, db, random.Random(seed))
    await operations.begin()
    for _ in range(150):
        name = operations.dice.choice([*OPERATIONS, "book", "book", "book", "move", "step"])
        before, old_ids = await rows(db), {row.id for row in await db.fetch("select id from event")}
        await getattr(operations, name)()
        after = await rows(db)
        events = [
            row for row in await db.fetch("select * from event order by subject_version, id") if row.id not in old_ids
        ]
        compare(name, before, after, events)
        operations.done.update({name: bool(events)})
    assert sum(1 for count in operations.done.values() if count) > 15, operations.done


def compare(operation: str, before: dict, after: dict, events: list) -> None:
    events_by_key = Counter((event.type, event.subject_id, event.subject_version) for event in events)
    for event in events:
        event_of(event)  # strict: raises if it does not match the catalogue
    assert max(events_by_key.values(), default=1) == 1, (operation, events_by_key)
    lines, slots = set(), 0
    explained: set[tuple[str, str, int]] = set()
    for (what, id), (version, owner) in after.items():
        old, _ = before.get((what, id), (0, None))
        if what in EVENT_PREFIXES:
            for each in range(old + 1, version + 1):
                mine = [
                    key
                    for key in events_by_key
                    if key[1] == id and key[2] == each and key[0].startswith(EVENT_PREFIXES[what])
                ]
                assert len(mine) == 1, (operation, what, id, each, events_by_key)
                explained.update(mine)
        elif version > old and what == "line":
            lines.add(owner)
        elif version > old and what == "manual slot":
            slots += 1
    schedules = {key for key in events_by_key if key[0] == "schedule.changed"}
    assert sorted(key[1] for key in schedules) == sorted(lines), (operation, events_by_key)
    others = {key for key in events_by_key if key not in explained and key not in schedules}
    slot_events = {"slots.generated", "slots.withdrawn", "schedule.applied"}
    slot_events |= {"slot.moved", "slot.published", "slot.withdrawn"}
    assert {key[0] for key in others} <= slot_events, (operation, others)
    assert len(others) <= 1, (operation, others)
    if slots and operation in ("publish", "move_slot", "remove_slot"):
        assert len(others) == 1, (operation, slots, events_by_key)


async def test_events_on_the_wire_are_cloud_events_that_match_their_schemas(client, db):
    operations = RandomOperations(client, db, random.Random(1))
    await operations.begin()
    for name in ("book", "book", "book", "move", "away", "apply", "publish", "register", "add_time_slot"):
        await getattr(operations, name)()
    events = [event_of(row) for row in await db.fetch("select * from event")]
    assert len({event.type for event in events}) > 5
    for event in events:
        jsonschema.validate(
            json.loads(model.cloud_event(event)), model.schema(event.type), format_checker=jsonschema.FormatChecker()
        )


async def test_an_event_carries_the_trace_of_the_request_that_caused_it(client, db):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    operations = RandomOperations(client, db, random.Random(1))
    await operations.begin()
    client.headers["traceparent"] = parent
    while (await operations.book()).status_code != 201:
        pass
    (row,) = await db.fetch("select * from event where type in ('appointment.booked', 'appointment.held')")
    assert json.loads(model.cloud_event(event_of(row)))["traceparent"] == parent
