"""Time slots, weekly hours and published slots, in the clinic's wall time."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from appoint.database.pool import Database
from appoint.kit import clock, fields
from appoint.scheduling.slots import service as slots
from appoint.scheduling.slots.model import Generated
from appoint.scheduling.weekly_hours import service as schedules
from appoint.scheduling.weekly_hours.model import Hours, Week, WeeklyScheduleContent
from support.app import ADMIN
from support.run_clock import START
from support.world import RECEPTION, World

COMING_MONDAY = next(
    day for day in (START.date() + timedelta(days=ahead) for ahead in range(7, 14)) if day.weekday() == 0
)
"""A Monday at least a week after the start of the run, for API requests."""


def hours(*spans: str) -> list[dict[str, str]]:
    """Return hours such as "09:00-12:00" in the API's format."""
    return [dict(zip(("startTime", "endTime"), span.split("-"), strict=True)) for span in spans]


async def create_time_slot(client, start: str, end: str, clinic_id=1, **members) -> str:
    body = {"startTime": start, "endTime": end, **members}
    return (await client.post(f"/api/clinics/{clinic_id}/timeslots", json=body, headers=ADMIN)).json()["id"]


async def put_weekly_hours(client, doctor_id, valid_from=None, **days: list[dict[str, str]]):
    body = {"weekly": days} | ({"validFrom": str(valid_from)} if valid_from else {})
    return await client.put(f"/api/doctors/{doctor_id}/schedule", json=body, headers=ADMIN)


async def set_weekly_hours(world: World, doctor: UUID, valid_from: date | None = None, **days: str) -> None:
    """Set a doctor's weekly hours, from a date if one is given: `monday="09:00-12:00 13:00-17:00"`."""
    week = Week(
        **{
            day: [Hours(start_time=span[:5], end_time=span[6:]) for span in spans.split()]
            for day, spans in days.items()
        }
    )
    content = WeeklyScheduleContent(weekly=week, valid_from=valid_from)
    await world.db.atomic(
        schedules.set_week, RECEPTION, doctor_id=doctor, content=content, if_match=None, now=world.now
    )


async def generate_slots(world: World, first: date, last: date | None = None, **of) -> Generated:
    return await world.db.atomic(
        slots.generate, RECEPTION, clinic_id=world.clinic, first=first, last=last or first, **of
    )


async def list_published(db: Database, doctor: UUID, *, remnants: bool | None = None) -> list[str]:
    """Return published slots such as "Mon 1 09:00-12:00". `remnants` selects either the slots that remain only for a
    stranded appointment or all others.
    """
    rows = await db.fetch(
        """
        select to_char(s.date, 'Dy FMDD ') || to_char(lower(during) at time zone time_zone, 'HH24:MI-')
               || case when upper(during) = local_instant(s.date, 1440, time_zone) then '24:00'
                       else to_char(upper(during) at time zone time_zone, 'HH24:MI') end as text
          from booking_slot s join clinic c on c.id = s.clinic_id
         where s.doctor_id = $1 and s.removed_at is null and ($2::boolean is null or remnant = $2)
         order by during
        """,
        doctor,
        remnants,
    )
    return [row.text for row in rows]


def local(day: date, wall_time: str, time_zone: str = "Europe/Berlin") -> datetime:
    """Return the UTC equivalent of a wall time that occurs only once."""
    return (
        (datetime.combine(day, time()) + timedelta(minutes=fields.parse_wall_time(wall_time)))
        .replace(tzinfo=clock.zone(time_zone))
        .astimezone(UTC)
    )
