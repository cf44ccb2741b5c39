"""Hours of the small world: time slots, weekly schedules and what they publish."""

from datetime import UTC, date, datetime, timedelta

from conftest import ADMIN

from appoint import wire

MONDAY = next(day for day in (datetime.now(UTC).date() + timedelta(days=ahead) for ahead in range(7, 14)) if day.weekday() == 0)
"""A Monday that is at least a week ahead."""


def on(weekday: str, weeks: int = 0) -> date:
    """A day of the week that begins with `MONDAY`, or of one that many weeks later."""
    return MONDAY + timedelta(days=wire.WEEKDAYS.index(weekday), weeks=weeks)


def hours(*spans: str) -> list[dict[str, str]]:
    """`hours("09:00-12:00", "13:00-17:00")` as the API takes them."""
    return [dict(zip(("startTime", "endTime"), span.split("-"), strict=True)) for span in spans]


async def time_slot(client, start: str, end: str, clinic_id=1, **more) -> str:
    made = await client.post(f"/api/clinics/{clinic_id}/timeslots", json={"startTime": start, "endTime": end, **more}, headers=ADMIN)
    return made.json()["id"]


async def weekly(client, doctor_id, valid_from=None, **days: list[dict[str, str]]):
    body = {"weekly": days} | ({"validFrom": str(valid_from)} if valid_from else {})
    return await client.put(f"/api/doctors/{doctor_id}/schedule", json=body, headers=ADMIN)
