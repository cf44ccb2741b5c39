"""A clinic with two weeks of free times, and callers who try to take them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appoint.booking.book import book
from appoint.booking.bounds import StrangerOrigin
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.booking.time_rules import TimeRequest
from appoint.kit import errors
from appoint.kit.actors import Actor

from .app import settings
from .world import MONDAY, World, at

Times = Sequence[tuple[UUID, datetime]]
HOLD = timedelta(minutes=10)
MINUTES = 20
DAYS = [MONDAY + timedelta(days=day) for day in range(14)]
STARTS = [at(8, day=day) + timedelta(minutes=MINUTES * number) for day in DAYS for number in range(24)]
"""All start times within each doctor's hours."""
DOCTORS = 4
BOOKABLE_MINUTES = DOCTORS * len(STARTS) * MINUTES


class Clinic(World):
    """A clinic whose doctors work for eight hours on each of the next 14 days, with one 20-minute type."""

    async def open(self) -> None:
        await self.set_clinic(self.clinic, slot_step_minutes=MINUTES)
        self.visit = await self.add_type(MINUTES)
        self.doctors = [await self.add_doctor(f"Dr {number}") for number in range(DOCTORS)]
        for doctor in self.doctors:
            for day in DAYS:
                await self.publish(doctor, at(8, day=day), at(16, day=day))
        await self.db.execute("delete from booking_slot where doctor_id = $1", self.dr_shah)

    async def require_codes(self, policy: str) -> None:
        """Set whether strangers need a code to book: `always` or `never`."""
        await self.set_clinic(self.clinic, confirm_address=policy)
        await self.cache.drop(self.clinic)

    async def add_customers(self, number: int, *, email: str | None = None) -> list[UUID]:
        rows = await self.db.fetch(
            """
            insert into customer (name, email, created_at)
            select 'Max', coalesce($2, 'max' || n || '@example.org'), $3 from generate_series(1, $1) as n returning id
            """,
            number,
            email,
            self.now,
        )
        return [row.id for row in rows]

    async def attempt(self, address: str, times: Times, customers: Sequence[UUID], **more: Any) -> str:
        """Book an appointment for each time and its customer as a stranger, in one request. Return the outcome."""
        conflict = await self._book(address, times, customers, **more)
        return conflict.type if conflict else "booked"

    async def limit_of(self, address: str, times: Times, customers: Sequence[UUID]) -> object:
        """Return which limit refuses a stranger's booking."""
        conflict = await self._book(address, times, customers)
        return conflict and conflict.facts["limit"]

    async def _book(
        self,
        address: str,
        times: Times,
        customers: Sequence[UUID],
        *,
        hold: bool = True,
        length: timedelta | None = None,
        actor: Actor | None = None,
    ) -> errors.Conflict | None:
        actor = actor or Actor(f"open:{address}", address=address)
        origin = StrangerOrigin.of(address, settings(), secret="secret", clinic_id=self.clinic, now=self.now)
        requests = [
            CustomerRequest(
                customer,
                TimeRequest(
                    doctor_id=doctor,
                    start_time=start,
                    end_time=start + length if length else None,
                    appointment_type_id=None if length else self.visit,
                    hold=hold,
                ),
            )
            for (doctor, start), customer in zip(times, customers, strict=True)
        ]
        command = BookingCommand(
            self.clinic,
            requests,
            actor,
            HOLD,
            self.now,
            is_proven=not actor.is_stranger,
            origin=None if actor.acts_for(self.clinic) else origin,
        )
        try:
            await book(self.db, self.cache, command)
        except errors.Conflict as conflict:
            return conflict
        return None

    async def taken_minutes(self) -> int:
        return await self.db.fetchval(
            """
            select coalesce(sum(extract(epoch from upper(active_during) - lower(active_during))) / 60, 0)::int
              from appointment
            """
        )


def free_times(clinic: Clinic, number: int, *, after: int = 0) -> list[tuple[UUID, datetime]]:
    times = [(doctor, start) for start in STARTS for doctor in clinic.doctors]
    return times[after : after + number]
