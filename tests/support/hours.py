"""Hours of the small worlds: time slots, weekly schedules and what they publish. Told in the clinic's own wall time."""

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
"""For what the API decides by its own clock: a Monday that is at least a week ahead."""


def hours(*spans: str) -> list[dict[str, str]]:
    """`hours("09:00-12:00", "13:00-17:00")` as the API takes them."""
    return [dict(zip(("startTime", "endTime"), span.split("-"), strict=True)) for span in spans]


async def time_slot(client, start: str, end: str, clinic_id=1, **more) -> str:
    made = await client.post(
        f"/api/clinics/{clinic_id}/timeslots", json={"startTime": start, "endTime": end, **more}, headers=ADMIN
    )
    return made.json()["id"]


async def weekly(client, doctor_id, valid_from=None, **days: list[dict[str, str]]):
    body = {"weekly": days} | ({"validFrom": str(valid_from)} if valid_from else {})
    return await client.put(f"/api/doctors/{doctor_id}/schedule", json=body, headers=ADMIN)


async def works(world: World, doctor: UUID, valid_from: date | None = None, **days: str) -> None:
    """`works(world, dr_shah, monday="09:00-12:00 13:00-17:00")` is the doctor's whole week from a date on."""
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


async def generate(world: World, first: date, last: date | None = None, **of) -> Generated:
    return await world.db.atomic(
        slots.generate, RECEPTION, clinic_id=world.clinic, first=first, last=last or first, **of
    )


async def published(db: Database, doctor: UUID, *, remnants: bool | None = None) -> list[str]:
    """Such as "Mon 1 09:00-12:00"; with `remnants` only those that are, or are not, left for a stranded appointment
    alone."""
    rows = await db.fetch(
        """
        select to_char(s.date, 'Dy FMDD ') || to_char(lower(during) at time zone time_zone, 'HH24:MI-')
               || case when upper(during) = local_instant(s.date, 1440, time_zone) then '24:00' else to_char(upper(during) at time zone time_zone, 'HH24:MI') end as told
          from booking_slot s join clinic c on c.id = s.clinic_id
         where s.doctor_id = $1 and s.removed_at is null and ($2::boolean is null or remnant = $2)
         order by during
        """,
        doctor,
        remnants,
    )
    return [row.told for row in rows]


def local(day: date, wall_time: str, time_zone: str = "Europe/Berlin") -> datetime:
    """The instant of an ordinary wall time."""
    return (
        (datetime.combine(day, time()) + timedelta(minutes=fields.parse_wall_time(wall_time)))
        .replace(tzinfo=clock.zone(time_zone))
        .astimezone(UTC)
    )
