"""Random operations on one clinic's week: whatever their order, the same invariants hold afterwards."""

import random
from datetime import timedelta

import pytest

from appoint.booking import transitions
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
from support.world import MONDAY, RECEPTION, World

SUNDAY = MONDAY + timedelta(days=6)

VIOLATIONS = """
with slot as (
  select *, lower(during) as starts from booking_slot where removed_at is null
), removed_slot as (
  select * from booking_slot where removed_at is not null
)
select 'an appointment outside the published hours' as rule, a.id from appointment a
 where a.active_during is not null
   and not a.active_during <@ (select range_agg(s.during) from slot s where s.doctor_id = a.doctor_id)
union all
select 'a stranded appointment without a remnant slot', a.id from appointment a
 where a.needs_rebooking
   and not exists (select from slot s where s.remnant and s.doctor_id = a.doctor_id and s.during <@ a.active_during)
union all
select 'a remnant slot without its appointment', s.id from slot s
 where s.remnant
   and not exists (select from appointment a
                    where (a.needs_rebooking or 'outside-hours' = any(a.overridden))
                      and a.doctor_id = s.doctor_id and s.during <@ a.active_during)
union all
select 'time both published and removed manually', s.id from slot s join removed_slot r on r.doctor_id = s.doctor_id
 where s.during && r.during and not s.remnant
union all
select 'time removed manually twice', s.id from removed_slot s
  join removed_slot r on r.doctor_id = s.doctor_id and r.id <> s.id
 where r.during && s.during
union all
select 'a scheduled slot during an absence', s.id from slot s
  join absence a on a.active and coalesce(a.doctor_id, s.doctor_id) = s.doctor_id
 where s.source = 'schedule' and not s.remnant and a.during && s.during
union all
select 'a slot with the wrong date', s.id from slot s where s.date <> (starts at time zone 'Europe/Berlin')::date
"""


OVERRIDE = Override(allow=["outside-hours", "customer-busy"], reason="It is urgent")


class Story:
    """A random sequence of operations on a clinic's hours and appointments."""

    def __init__(self, world, seed):
        self.world, self.db, self.random = world, world.db, random.Random(seed)

    def day(self):
        return MONDAY + timedelta(days=self.random.randrange(3))

    def span(self, day):
        first, last = sorted(self.random.sample(range(8 * 4, 18 * 4), 2))
        return self.quarter(day, first), self.quarter(day, last)

    def quarter(self, day, number):
        return local(day, f"{number // 4:02}:{number % 4 * 15:02}")

    async def pick(self, sql, *args):
        rows = await self.db.fetch(sql, *args)
        return self.random.choice(rows) if rows else None

    async def book(self):
        if slot := await self.pick(
            """
            select doctor_id, lower(active_during) as start from booking_slot
             where active_during is not null order by active_during, id
            """
        ):
            start = slot.start + timedelta(minutes=15 * self.random.randrange(6))
            await self.world.book(
                slot.doctor_id, start, self.random.choice(self.customers), minutes=self.random.choice((15, 30, 60, 90))
            )

    async def cancel(self):
        if appointment := await self.pick("select id from appointment where status = 'booked' order by id"):
            await self.db.atomic(
                transitions.cancel,
                RECEPTION,
                appointment_id=appointment.id,
                reason=None,
                if_match=None,
                now=self.world.now,
            )

    async def reschedule(self):
        if appointment := await self.pick("select id from appointment where status = 'booked' order by id"):
            to = RescheduleRequest(
                start_time=self.span(self.day())[0], doctor_id=self.random.choice((None, *self.doctors))
            )
            await reschedule(
                self.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=self.world.now
            )

    async def book_outside(self):
        start, _ = self.span(self.day())
        end = start + timedelta(minutes=self.random.choice((15, 30, 60, 90)))
        request = AppointmentRequest(
            customer_id=self.random.choice(self.customers),
            doctor_id=self.random.choice(self.doctors),
            start_time=start,
            end_time=end,
        )
        requests = [CustomerRequest(request.customer_id, request)]
        command = BookingCommand(
            self.world.clinic, requests, RECEPTION, timedelta(minutes=10), self.world.now, override=OVERRIDE
        )
        await book(self.db, self.world.cache, command)

    async def move_outside(self):
        if appointment := await self.pick("select id from appointment where status = 'booked' order by id"):
            to = RescheduleRequest(
                start_time=self.span(self.day())[0],
                doctor_id=self.random.choice((None, *self.doctors)),
                override=OVERRIDE,
            )
            await reschedule(
                self.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=self.world.now
            )

    async def add_absence(self):
        start, end = self.span(self.day())
        content = AbsenceContent(
            start_time=start,
            end_time=end + timedelta(days=self.random.randrange(2)),
            doctor_id=self.random.choice((None, *self.doctors)),
        )
        force = self.random.random() < 0.7
        await self.db.atomic(
            absences.add, RECEPTION, clinic_id=self.world.clinic, content=content, force=force, now=self.world.now
        )

    async def remove_absence(self):
        if absence := await self.pick("select id from absence where active order by id"):
            await self.db.atomic(absences.remove, RECEPTION, absence_id=absence.id, if_match=None, now=self.world.now)

    async def publish(self):
        start, end = self.span(self.day())
        content = BookingSlotContent(doctor_id=self.random.choice(self.doctors), start_time=start, end_time=end)
        await self.db.atomic(slots.publish, RECEPTION, content=content)

    async def withdraw(self):
        if slot := await self.pick("select id from booking_slot order by id"):
            await self.db.atomic(slots.remove, RECEPTION, booking_slot_id=slot.id, if_match=None, now=self.world.now)

    async def move_slot(self):
        if slot := await self.pick("select id from booking_slot order by id"):
            start, end = self.span(self.day())
            await self.db.atomic(
                slots.move, RECEPTION, booking_slot_id=slot.id, start=start, end=end, if_match=None, now=self.world.now
            )

    async def save_week(self):
        week = {}
        for weekday in ("monday", "tuesday", "wednesday"):
            bounds = sorted(self.random.sample(range(8 * 4, 18 * 4), 4))
            bounds[2] = self.random.choice((bounds[1], bounds[2]))  # sometimes the two spans are adjacent
            times = [f"{bound // 4:02}:{bound % 4 * 15:02}" for bound in bounds]
            week[weekday] = f"{times[0]}-{times[1]} {times[2]}-{times[3]}"
        await set_weekly_hours(self.world, self.random.choice(self.doctors), **week)

    async def change_hours(self):
        arguments = {
            "clinic_id": self.world.clinic,
            "doctor_id": self.random.choice((None, *self.doctors)),
            "now": self.world.now,
        }
        content = ScheduleChangeContent(stranded=self.random.choice(("keep", "keep", "refuse")))
        expected = await self.db.atomic(schedule_changes.preview, content=content, **arguments)
        result = await self.db.atomic(schedule_changes.carry_out, RECEPTION, content=content, **arguments)
        assert (expected.added, expected.removed, expected.kept) == (result.added, result.removed, result.kept)
        assert [each.id for each in expected.stranded] == [each.id for each in result.stranded]
        repeat = await self.db.atomic(schedule_changes.preview, content=content, **arguments)
        assert (repeat.added, repeat.removed, repeat.stranded) == ([], [], [])

    async def generate(self):
        await generate_slots(self.world, MONDAY, SUNDAY)
        assert (await generate_slots(self.world, MONDAY, SUNDAY)).created == 0

    STEPS = (
        *[book] * 4,
        *[cancel] * 2,
        reschedule,
        *[book_outside] * 2,
        move_outside,
        *[add_absence] * 2,
        *[remove_absence] * 2,
        publish,
        withdraw,
        move_slot,
        save_week,
        change_hours,
        generate,
    )


@pytest.mark.parametrize("seed", range(8))
async def test_random_operations_preserve_the_invariants(db, seed):
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        await db.execute("delete from booking_slot")
        story = Story(world, seed)
        story.doctors = [world.dr_shah, await world.add_doctor("Dr Okafor")]
        story.customers = [world.ana, world.ben, await world.add_customer("Cem"), await world.add_customer("Dora")]
        for doctor in story.doctors:
            await set_weekly_hours(
                world,
                doctor,
                monday="09:00-12:00 13:00-17:00",
                tuesday="08:00-10:00 10:00-12:00",
                wednesday="09:00-17:00",
            )
        await generate_slots(world, MONDAY, SUNDAY)
        for _ in range(40):
            step = story.random.choice(story.STEPS)
            try:
                await step(story)
            except errors.Conflict as refusal:
                step = f"{step.__name__}: {refusal.type}"
            assert [tuple(row) for row in await db.fetch(VIOLATIONS)] == [], step
