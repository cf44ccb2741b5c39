"""A clinic where Dr Shah works to a weekly schedule: its slots, absences and appointments, in local time."""

from datetime import timedelta

from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from appoint.scheduling.slots import service as slots
from appoint.scheduling.slots.model import BookingSlotContent
from support.hours import generate_slots, local, set_weekly_hours
from support.world import MONDAY, RECEPTION, World

TUESDAY = MONDAY + timedelta(days=1)
SUNDAY = MONDAY + timedelta(days=6)
UNCOVERED = """
select id from appointment a
 where a.active_during is not null
   and not coalesce(a.active_during <@ (select range_agg(s.active_during) from booking_slot s
                                         where s.doctor_id = a.doctor_id), false)
"""


async def unpublished_world(db, cache) -> World:
    """Create a world without published slots. It is seven o'clock on Monday."""
    world = await World.make(db, cache)
    await db.execute("delete from booking_slot")
    return world


async def weekly_world(db, cache, *, last=SUNDAY, **week: str) -> World:
    """Create a world in which Dr Shah's week is published from Monday to `last`."""
    world = await unpublished_world(db, cache)
    await set_weekly_hours(world, world.dr_shah, **week)
    await generate_slots(world, MONDAY, last)
    return world


async def publish_slot(world, day, start, end, doctor=None):
    content = BookingSlotContent(
        doctor_id=doctor or world.dr_shah, start_time=local(day, start), end_time=local(day, end)
    )
    return await world.db.atomic(slots.publish, RECEPTION, content=content)


async def move_slot(world, slot_id, day, start, end, *, if_match=None):
    return await world.db.atomic(
        slots.move,
        RECEPTION,
        booking_slot_id=slot_id,
        start=local(day, start),
        end=local(day, end),
        if_match=if_match,
        now=world.now,
    )


async def remove_slot(world, slot_id):
    await world.db.atomic(slots.remove, RECEPTION, booking_slot_id=slot_id, if_match=None, now=world.now)


async def find_slot_id(world, day, start):
    return await world.db.fetchval("select id from booking_slot where lower(active_during) = $1", local(day, start))


async def add_absence(world, start, end, *, day=MONDAY, doctor="dr_shah", force=False, last_day=None):
    """Add an absence for the doctor, or close the clinic with `doctor=None`."""
    content = AbsenceContent(
        start_time=local(day, start), end_time=local(last_day or day, end), doctor_id=doctor and getattr(world, doctor)
    )
    return await world.db.atomic(
        absences.add, RECEPTION, clinic_id=world.clinic, content=content, force=force, now=world.now
    )


async def remove_absence(world, absence, if_match=None):
    await world.db.atomic(absences.remove, RECEPTION, absence_id=absence.id, if_match=if_match, now=world.now)


async def book(world, start, minutes=30, *, day=MONDAY, customer="ana", **members):
    return await world.book(world.dr_shah, local(day, start), getattr(world, customer), minutes=minutes, **members)


async def stranded_ids(world):
    rows = await world.db.fetch("select id from appointment where needs_rebooking order by lower(during)")
    return [row.id for row in rows]


async def uncovered_ids(world):
    """Return the live appointments that are not entirely within published hours."""
    return [row.id for row in await world.db.fetch(UNCOVERED)]


async def events_of_type(db, type):
    return await db.fetch("select subject_id, data::text from event where type = $1 order by id", type)
