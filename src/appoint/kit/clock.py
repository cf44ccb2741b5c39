"""Now, and what an instant is on the wall of a zone. The way back, from wall time to instant, is the database's
`local_instant` alone."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

# The rules of zones come from the locked tzdata package, so that every machine has the same.
zoneinfo.reset_tzpath(to=[])

ZONES: Final = frozenset(zone for zone in zoneinfo.available_timezones() if "/" in zone or zone == "UTC")
"""Zones that can be named. Short ones (CET, EST) are left out: PostgreSQL reads them as fixed offsets."""


def now() -> datetime:
    """The only place that looks at the clock; below the edge, `now` is an argument."""
    return datetime.now(UTC)


@cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_date(instant: datetime, time_zone: str) -> date:
    """The date that a calendar in the zone shows at the instant."""
    return instant.astimezone(zone(time_zone)).date()


def crosses_midnight(start: datetime, end: datetime, time_zone: str) -> bool:
    """Whether `[start, end)` has time on two local dates; ending at midnight does not cross it."""
    return local_date(start, time_zone) != local_date(end - timedelta.resolution, time_zone)
