"""The daily report sums agree with appointments and slots after random changes around clock changes."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest

from appoint.booking import holds
from appoint.booking import service as appointments
from appoint.booking.book import book
from appoint.booking.model import AppointmentRequest, RescheduleRequest
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.booking.reschedule import reschedule
from appoint.booking.time_rules import Override
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from appoint.scheduling.hours_changes import service as schedule_changes
from appoint.scheduling.hours_changes.model import ScheduleChangeContent
from appoint.scheduling.slots import service as slots
from appoint.scheduling.slots.model import BookingSlotContent
from support.hours import generate_slots, local, set_weekly_hours
from support.report_sums import relay_all, stored_sums, sums_agree
from support.transitions import cancel, set_booked_at, step
from support.world import RECEPTION, World

PLACES = [  # with a time shortly before the clocks change
    ("Europe/Berlin", datetime(2027, 3, 22, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 11, 3, 10, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 3, 31, 1, tzinfo=UTC)),  # by half an hour
    ("Asia/Kolkata", datetime(2027, 5, 3, 1, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2027, 10, 25, 1, tzinfo=UTC)),  # at midnight
]
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Story:
    """Random changes to a clinic's hours and appointments over two weeks. The seed determines everything except which
    doctor the clinic's rule chooses.
    """

    def __init__(self, world: World, chance: random.Random, time_zone: str) -> None:
        self.world, self.chance, self.zone = world, chance, time_zone
        self.today = world.now.astimezone(UTC).date()
        self.booked = []
        self.changes = Counter()

    def random_day(self) -> date:
        return self.today + timedelta(days=self.chance.randrange(1, 13))

    def random_time(self, on: date | None = None) -> datetime:
        return local(
            on or self.random_day(), f"{self.chance.randrange(24):02}:{self.chance.randrange(0, 60, 10):02}", self.zone
        )

    def random_doctor(self):
        return self.chance.choice(self.doctors)

    async def begin(self) -> None:
        self.doctors = [
            self.world.dr_shah,
            await self.world.add_doctor("Dr Okafor"),
            await self.world.add_doctor("Dr Lee"),
        ]
        self.customers = [await self.world.add_customer(name) for name in "abcdefgh"]
        await self.new_hours()
        await self.generate()

    async def new_hours(self) -> None:
        for doctor in self.doctors:
            spans = {
                name: self.chance.choice(("00:00-04:00", "00:30-07:10 08:00-12:00", "09:15-12:40 13:00-24:00", ""))
                for name in WEEK
            }
            await set_weekly_hours(self.world, doctor, **spans)

    async def generate(self) -> None:
        await generate_slots(self.world, self.today, self.today + timedelta(days=13))

    async def random_published_time(self) -> datetime:
        slot = await self.random_slot()
        return slot.start + timedelta(
            minutes=10 * self.chance.randrange(max((slot.end - slot.start) // timedelta(minutes=10), 1))
        )

    async def book(self, **more) -> None:
        start, minutes = await self.random_published_time(), self.chance.choice((10, 20, 45, 90))
        appointment = await self.world.book(
            self.chance.choice([*self.doctors, None]),
            start,
            self.chance.choice(self.customers),
            minutes=minutes,
            **more,
        )
        if isinstance(appointment, errors.Conflict):
            raise appointment
        await set_booked_at(
            self.world,
            appointment,
            start - timedelta(days=self.chance.choice((0, 1, 2, 3, 5, 9, 20, 40, 80)), hours=self.chance.randrange(30)),
        )
        self.booked.append(appointment)

    async def hold(self) -> None:
        await self.book(hold=True)

    async def book_outside_hours(self) -> None:
        start = self.random_time()
        allow = Override(allow=["outside-hours", "too-far", "too-soon", "customer-busy"], reason="In pain")
        request = AppointmentRequest(
            customer_id=self.chance.choice(self.customers),
            doctor_id=self.random_doctor(),
            start_time=start,
            end_time=start + timedelta(minutes=30),
        )
        requests = [CustomerRequest(request.customer_id, request)]
        command = BookingCommand(
            self.world.clinic, requests, RECEPTION, timedelta(minutes=10), self.world.now, override=allow
        )
        result = await book(self.world.db, self.world.cache, command)
        self.booked.append(await appointments.get(self.world.db, result.booking.appointments[0].id))

    async def run_day(self) -> None:
        name = self.chance.choice(("confirm", "arrive", "arrive", "checkIn", "fulfil", "noShow", "noShow", "unarrive"))
        await step(
            self.world,
            self.chance.choice(self.booked),
            name,
            now=self.world.now + timedelta(days=20 if name == "noShow" else 0),
        )

    async def cancel(self) -> None:
        await cancel(self.world, self.chance.choice(self.booked))

    async def expire(self) -> None:
        await holds.expire_holds(self.world.db, now=self.world.now + timedelta(minutes=self.chance.choice((0, 20))))

    async def move(self) -> None:
        to = RescheduleRequest(
            start_time=await self.random_published_time(), doctor_id=self.chance.choice([*self.doctors, None])
        )
        await reschedule(
            self.world.db,
            RECEPTION,
            appointment_id=self.chance.choice(self.booked).id,
            to=to,
            if_match=None,
            now=self.world.now,
        )

    async def publish(self) -> None:
        start = self.random_time()
        content = BookingSlotContent(
            doctor_id=self.random_doctor(),
            start_time=start,
            end_time=start + timedelta(minutes=self.chance.choice((25, 60, 150))),
        )
        await self.world.db.atomic(slots.publish, RECEPTION, content=content)

    async def random_slot(self):
        rows = await self.world.db.fetch(
            """
            select s.id, lower(during) as start, upper(during) as end
              from booking_slot s join doctor d on d.clinic_id = s.clinic_id and d.id = s.doctor_id
             where lower(during) > $1
             order by during, d.name, s.removed_at nulls first
            """,
            self.world.now,
        )
        return self.chance.choice(rows)

    async def move_slot(self) -> None:
        slot = await self.random_slot()
        shift = min(
            timedelta(minutes=self.chance.choice((-40, -10, 15, 60))), slot.end - slot.start - timedelta(minutes=5)
        )
        await self.world.db.atomic(
            slots.move,
            RECEPTION,
            booking_slot_id=slot.id,
            start=slot.start + shift,
            end=slot.end,
            if_match=None,
            now=self.world.now,
        )

    async def remove_slot(self) -> None:
        await self.world.db.atomic(
            slots.remove, RECEPTION, booking_slot_id=(await self.random_slot()).id, if_match=None, now=self.world.now
        )

    async def add_absence(self) -> None:
        start = self.random_time()
        content = AbsenceContent(
            start_time=start,
            end_time=start + timedelta(hours=self.chance.choice((2, 30))),
            doctor_id=self.chance.choice([*self.doctors, None]),
        )
        await self.world.db.atomic(
            absences.add, RECEPTION, clinic_id=self.world.clinic, content=content, force=True, now=self.world.now
        )

    async def remove_absence(self) -> None:
        absent = await self.world.db.fetch("select id from absence where active order by during, created_at")
        await self.world.db.atomic(
            absences.remove, RECEPTION, absence_id=self.chance.choice(absent).id, if_match=None, now=self.world.now
        )

    async def change_hours(self) -> None:
        await self.new_hours()
        await self.world.db.atomic(
            schedule_changes.carry_out,
            RECEPTION,
            clinic_id=self.world.clinic,
            doctor_id=self.chance.choice([*self.doctors, None]),
            content=ScheduleChangeContent(stranded="keep"),
            now=self.world.now,
        )

    async def relay(self) -> None:
        """Let two workers relay events and sum days concurrently."""
        await asyncio.gather(relay_all(self.world), relay_all(self.world))

    async def proceed(self, steps: int) -> None:
        frequent = [self.book] * 6 + [self.run_day] * 3 + [self.hold, self.cancel, self.move] * 2
        rare = [
            self.book_outside_hours,
            self.expire,
            self.publish,
            self.move_slot,
            self.remove_slot,
            self.add_absence,
            self.remove_absence,
            self.change_hours,
            self.generate,
            self.relay,
        ]
        for _ in range(steps):
            change = self.chance.choice(self.chance.choice((frequent, frequent, frequent, rare)))
            for _ in range(6):
                with suppress(errors.AppointError, IndexError):  # refused, or there is nothing to change yet
                    await change()
                    self.changes[change.__name__] += 1
                    break


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("time_zone", "now"), PLACES, ids=[zone for zone, _ in PLACES])
async def test_stored_sums_agree_with_appointments_and_slots_after_any_changes(db, time_zone, now, seed):
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, time_zone=time_zone, horizon_days=60)
        await db.execute("truncate booking_slot cascade")
        world.now = now
        story = Story(world, random.Random(f"{time_zone} {seed}"), time_zone)
        await story.begin()
        for _ in range(3):
            await story.proceed(40)
            await relay_all(world)
            assert await sums_agree(db, world.clinic)
        assert {"book", "run_day", "cancel", "move"} <= set(story.changes)
        minutes, counts = await stored_sums(db, world.clinic)
        assert len(minutes) > 100
        assert len(counts) > 5
        assert any(booked for _, booked in minutes.values())
