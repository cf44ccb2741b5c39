"""The current time, and local dates. Only the database's `local_instant` converts wall times to instants."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

# Use the zone rules of the locked tzdata package, so that they are the same on every machine.
zoneinfo.reset_tzpath(to=[])

ZONES: Final = frozenset(zone for zone in zoneinfo.available_timezones() if "/" in zone or zone == "UTC")
"""Zones that clinics and customers can choose. Abbreviations (CET, EST) are excluded: to PostgreSQL they are fixed
offsets."""


def now() -> datetime:
    """Return the current time. This is the only call to the system clock: code below the API takes `now` as an
    argument."""
    return datetime.now(UTC)


@cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_date(instant: datetime, time_zone: str) -> date:
    """Return the local date in the zone at the given instant."""
    return instant.astimezone(zone(time_zone)).date()


def crosses_midnight(start: datetime, end: datetime, time_zone: str) -> bool:
    """Return whether `[start, end)` covers two local dates. A range that ends at midnight does not."""
    return local_date(start, time_zone) != local_date(end - timedelta.resolution, time_zone)
