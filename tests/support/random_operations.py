"""Random operations on one clinic over HTTP, most of which change something."""

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from appoint.booking import holds
from appoint.database.pool import Database
from appoint.kit import clock
from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, local
from support.world import create_appointment_type, create_clinic, create_customer, create_doctor


class RandomOperations:
    """A clinic on which random operations run over HTTP."""

    def __init__(self, client, db: Database, dice: random.Random) -> None:
        self.client, self.db, self.dice = client, db, dice
        self.event_counts: Counter[str] = Counter()

    async def begin(self) -> None:
        self.clinic = await create_clinic(self.client, policy={"horizonDays": 366})
        self.doctors = [await create_doctor(self.client, self.clinic, name=f"Dr {n}") for n in range(2)]
        self.customers = [await create_customer(self.client, name=f"C {n}") for n in range(4)]
        self.type = await create_appointment_type(self.client, self.clinic)
        week = {day: hours("08:00-12:00", "13:00-17:00") for day in ("monday", "tuesday", "wednesday")}
        for one in self.doctors:
            await self.client.put(f"/api/doctors/{one}/schedule", json={"weekly": week}, headers=ADMIN)
        await self.generate()

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.client.request(method, f"/api{path}", json=body, headers=ADMIN)
        assert response.status_code < 500, response.text
        return response

    def time(self) -> datetime:
        return local(
            COMING_MONDAY + timedelta(days=self.dice.randrange(3)),
            f"{self.dice.randrange(8, 17):02}:{self.dice.choice(('00', '30'))}",
        )

    async def pick(self, table: str) -> str | None:
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
        target = self.dice.choice([{"doctorId": self.dice.choice(self.doctors)}, {"clinicId": self.clinic}])
        return await self.request("POST", "/appointments", {**body, **target, "hold": self.dice.random() < 0.3})

    async def move(self) -> Any:
        return await self.request(
            "PUT",
            f"/appointments/{await self.pick('appointment')}",
            {"startTime": self.time().isoformat(), "doctorId": self.dice.choice(self.doctors)},
        )

    async def step(self) -> Any:
        name = self.dice.choice(["confirm", "arrive", "unarrive", "checkIn", "fulfil", "noShow", "undo"])
        return await self.request("POST", f"/appointments/{await self.pick('appointment')}/{name}")

    async def note(self) -> Any:
        return await self.request(
            "PATCH", f"/appointments/{await self.pick('appointment')}", {"notes": str(self.dice.random())}
        )

    async def cancel(self) -> Any:
        return await self.request("DELETE", f"/appointments/{await self.pick('appointment')}")

    async def expire(self) -> Any:
        return await holds.expire_holds(self.db, now=clock.now() + timedelta(hours=1))

    async def add_absence(self) -> Any:
        start = self.time()
        body = {
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(hours=self.dice.randrange(1, 5))).isoformat(),
        }
        target = self.dice.choice([{}, {"doctorId": self.dice.choice(self.doctors)}])
        return await self.request(
            "POST", f"/clinics/{self.clinic}/absences?force={self.dice.choice(('true', 'false'))}", {**body, **target}
        )

    async def remove_absence(self) -> Any:
        return await self.request("DELETE", f"/absences/{await self.pick('absence')}")

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
                {"timeSlotId": await self.pick("time_slot")},
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
        return await self.request("PUT", f"/doctors/slots/{await self.pick('doctor_slot')}", body)

    async def remove_line(self) -> Any:
        return await self.request("DELETE", f"/doctors/slots/{await self.pick('doctor_slot')}")

    async def add_time_slot(self) -> Any:
        start = self.dice.randrange(0, 23)
        return await self.request(
            "POST", f"/clinics/{self.clinic}/timeslots", {"startTime": f"{start:02}:00", "endTime": f"{start:02}:45"}
        )

    async def change_time_slot(self) -> Any:
        start = self.dice.randrange(0, 23)
        return await self.request(
            "PUT",
            f"/timeslots/{await self.pick('time_slot')}",
            {"startTime": f"{start:02}:00", "endTime": f"{start:02}:50"},
        )

    async def remove_time_slot(self) -> Any:
        return await self.request("DELETE", f"/timeslots/{await self.pick('time_slot')}")

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
            f"/bookingSlots/{await self.pick('booking_slot')}",
            {"startTime": start.isoformat(), "endTime": (start + timedelta(hours=2)).isoformat()},
        )

    async def remove_slot(self) -> Any:
        return await self.request("DELETE", f"/bookingSlots/{await self.pick('booking_slot')}")

    async def register(self) -> Any:
        return await self.request("POST", "/customers", {"name": "New"})

    async def change_customer(self) -> Any:
        return await self.request(
            "PATCH",
            f"/customers/{await self.pick('customer')}",
            self.dice.choice([{"name": "Other"}, {"active": True}]),
        )

    async def remove_customer(self) -> Any:
        return await self.request("DELETE", f"/customers/{await self.pick('customer')}")


OPERATIONS = [
    name
    for name in vars(RandomOperations)
    if not name.startswith("_") and name not in ("begin", "request", "time", "pick")
]
