"""Daily report sums for tests: as stored, and as computed from appointments and slots."""

from collections import Counter
from datetime import date

from benchmarks.numbers import BY_DAY, BY_DAY_AND_HOUR

from appoint.database.pool import Database
from appoint.events.service import relay
from appoint.oversight.reports import service
from appoint.oversight.reports.model import LEADS
from support.world import World

ALWAYS = date(2020, 1, 1), date(2035, 12, 31)
Minutes = dict[tuple, tuple]
"""Published and booked minutes by doctor, date and hour."""
Counts = dict[tuple, tuple]
"""Counts of bookings by doctor and date."""


async def relay_all(world: World) -> None:
    """Relay all events, and recompute the sums for the days that they affect."""
    while await relay(world.db, [service.note], now=world.now):
        pass
    await service.sum_up(world.db)


async def stored_sums(db: Database, clinic: int) -> tuple[Minutes, Counts]:
    minutes, counts = {}, {}
    for row in await db.fetch("select * from doctor_day where clinic_id = $1", clinic):
        for n, hour in enumerate(zip(row.published_minutes, row.booked_minutes, strict=True), row.opens):
            if any(hour):
                minutes[row.doctor_id, row.date, n] = hour
        if row.booked:
            counts[row.doctor_id, row.date] = (row.booked, row.cancelled, row.missed, row.kept, row.lead_days, row.lead)
    return minutes, counts


async def actual_sums(
    db: Database, clinic: int, first: date = ALWAYS[0], last: date = ALWAYS[1]
) -> tuple[Minutes, Counts]:
    """Return the sums that plain queries compute from appointments and slots."""
    days = await db.fetchrow(
        "select min(date) as first, max(date) as last from booking_slot where clinic_id = $1 and removed_at is null",
        clinic,
    )
    minutes = await db.fetch(BY_DAY_AND_HOUR, clinic, days["first"] or first, days["last"] or last, None)
    counts = await db.fetch(BY_DAY, clinic, first, last, None)
    return (
        {tuple(row)[:3]: (row["published_minutes"], row["booked_minutes"]) for row in minutes},
        {tuple(row)[:2]: (*tuple(row)[2:7], in_buckets(row["leads"])) for row in counts},
    )


def in_buckets(leads: list[int]) -> list[int]:
    by_days = Counter(leads)
    return [
        sum(count for days, count in by_days.items() if days >= first and (last is None or days <= last))
        for first, last in LEADS
    ]


async def sums_agree(db: Database, clinic: int) -> bool:
    """Assert that the stored sums match the actual ones."""
    for stored, actual in zip(await stored_sums(db, clinic), await actual_sums(db, clinic), strict=True):
        differences = {
            key: (stored.get(key), actual.get(key)) for key in stored | actual if stored.get(key) != actual.get(key)
        }
        assert not differences, differences
    return True
