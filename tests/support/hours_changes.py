"""Changes to the hours of Dr Shah, who works on Mondays from nine to twelve."""

from datetime import timedelta

from appoint.scheduling.hours_changes import service
from appoint.scheduling.hours_changes.model import ScheduleChangeContent
from support.hours import COMING_MONDAY, local
from support.world import RECEPTION

BERLIN = timedelta(hours=1)
"""Berlin's offset in winter."""


async def change(world, *, doctor="dr_shah", **content):
    return await world.db.atomic(service.carry_out, RECEPTION, **arguments(world, doctor, content))


async def preview(world, *, doctor="dr_shah", **content):
    return await world.db.atomic(service.preview, **arguments(world, doctor, content))


def arguments(world, doctor, content):
    return {
        "clinic_id": world.clinic,
        "doctor_id": doctor and getattr(world, doctor),
        "content": ScheduleChangeContent(**content),
        "now": world.now,
    }


async def schedule_rows(world):
    """Return all slots and appointments, which is everything that a schedule change could affect."""
    slots = await world.db.fetch("select * from booking_slot order by id")
    appointments = await world.db.fetch("select * from appointment order by id")
    return [tuple(row) for row in slots], [tuple(row) for row in appointments]


def as_text(slots):
    """Return slots as text, such as "1 09:00-12:00": the day in March, and the times in Berlin in winter."""
    return [f"{slot.date.day} {slot.start_time + BERLIN:%H:%M}-{slot.end_time + BERLIN:%H:%M}" for slot in slots]


def slot_body(doctor_id, start):
    """Return the slot from `start` to noon on the coming Monday, as the API shows it."""
    return {
        "doctorId": doctor_id,
        "startTime": f"{local(COMING_MONDAY, start):%FT%TZ}",
        "endTime": f"{local(COMING_MONDAY, '12:00'):%FT%TZ}",
        "date": str(COMING_MONDAY),
    }
