"""The database function `local_instant` agrees with Python's time zones, on ordinary days and around clock changes."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appoint.kit import clock
from support.scale import scaled

# PostgreSQL uses either its own copy of the time zone database or the system's, and Python uses the pinned one. Copies
# from different years differ wherever a country changed its rules or its history was corrected. These zones have had
# the same rules for years and cover every kind of change: by an hour, half an hour (Lord Howe), two hours (Troll) or a
# whole day (Apia, 2011), at night or at midnight (São Paulo), in both hemispheres, or none at all.
ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Antarctica/Troll",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Asia/Pyongyang",
    "UTC",
)
MINUTES = st.integers(0, 24 * 60)


@cache
def change_days(zone: str) -> list[date]:
    """Return the days on which the zone's offset changes, each with the day before and the day after."""
    days = [date(1990, 1, 1) + timedelta(days=n) for n in range(47 * 365)]
    offsets = [datetime.combine(day, time(12), clock.zone(zone)).utcoffset() for day in days]
    return [day for n in range(1, len(days)) if offsets[n] != offsets[n - 1] for day in days[n - 1 : n + 2]]


@st.composite
def wall_times(draw):
    zone = draw(st.sampled_from(ZONES))
    ordinary = st.dates(date(1990, 1, 1), date(2036, 12, 31))
    day = draw(st.one_of(st.sampled_from(changes), ordinary) if (changes := change_days(zone)) else ordinary)
    return day, draw(MINUTES), zone


@pytest.fixture(scope="module")
def local_instants(database_url):
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(database_url))

    def local_instants_of(walls):
        sql = """
            select local_instant(day, minute, zone)
              from unnest($1::date[], $2::int[], $3::text[]) with ordinality as w (day, minute, zone, n)
             order by n
        """
        return [row[0] for row in loop.run_until_complete(connection.fetch(sql, *map(list, zip(*walls, strict=True))))]

    yield local_instants_of
    loop.run_until_complete(connection.close())
    loop.close()


@settings(max_examples=scaled(150, 50), deadline=None)
@given(walls=st.lists(wall_times(), min_size=1, max_size=40))
def test_local_instant_agrees_with_pythons_time_zones(local_instants, walls):
    """A local time maps to the first instant that shows it. A time in a gap moves forward by the length of the gap, as
    with `fold=0`."""
    expected = [
        (datetime.combine(day, time()) + timedelta(minutes=minute)).replace(tzinfo=clock.zone(zone)).astimezone(UTC)
        for day, minute, zone in walls
    ]
    assert local_instants(walls) == expected


@pytest.mark.parametrize(
    ("day", "minute", "zone", "instant"),
    [
        ("2027-03-28", 2 * 60 + 30, "Europe/Berlin", "2027-03-28T01:30:00Z"),  # in the gap: 03:30
        ("2027-03-28", 3 * 60, "Europe/Berlin", "2027-03-28T01:00:00Z"),
        ("2027-10-31", 2 * 60 + 30, "Europe/Berlin", "2027-10-31T00:30:00Z"),  # the first 02:30
        ("2027-10-31", 3 * 60, "Europe/Berlin", "2027-10-31T02:00:00Z"),
        # falls back by half an hour at 02:00
        ("2027-04-04", 1 * 60 + 45, "Australia/Lord_Howe", "2027-04-03T14:45:00Z"),
        # this midnight did not exist, but the day still ended
        ("2017-10-14", 24 * 60, "America/Sao_Paulo", "2017-10-15T03:00:00Z"),
    ],
)
def test_local_instant_around_clock_changes(local_instants, day, minute, zone, instant):
    assert local_instants([(date.fromisoformat(day), minute, zone)]) == [datetime.fromisoformat(instant)]
