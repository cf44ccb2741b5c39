"""The current time, and local dates. Only the database's `local_instant` converts wall times to instants."""

import time
import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

# Use the zone rules of the locked tzdata package, so that they are the same on every machine.
zoneinfo.reset_tzpath(to=[])

ZONES: Final = frozenset(zone for zone in zoneinfo.available_timezones() if "/" in zone or zone == "UTC")
"""Zones that clinics and customers can choose. Abbreviations (CET, EST) are excluded: to PostgreSQL they are fixed
offsets."""


class Clock:
    """A clock that keeps the database's time once it has been set.

    From then on, the machine's own clock no longer matters, even if someone changes it: a worker whose clock is an hour
    fast must not cancel valid holds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic: Final = monotonic
        self._origin: datetime | None = None
        self.skew = timedelta()
        """How far the machine's clock was ahead of the database's when this clock was last set."""

    def set(self, instant: datetime) -> None:
        """Set the clock to the current time in the database."""
        self._origin = instant - timedelta(seconds=self._monotonic())
        self.skew = datetime.now(UTC) - instant

    def now(self) -> datetime:
        return self._origin + timedelta(seconds=self._monotonic()) if self._origin else datetime.now(UTC)


CLOCK: Final = Clock()


def now() -> datetime:
    """Return the current time. This is the only call to the clock: code below the API takes `now` as an argument."""
    return CLOCK.now()


@cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_date(instant: datetime, time_zone: str) -> date:
    """Return the local date in the zone at the given instant."""
    return instant.astimezone(zone(time_zone)).date()


def crosses_midnight(start: datetime, end: datetime, time_zone: str) -> bool:
    """Return whether `[start, end)` covers two local dates. A range that ends at midnight does not."""
    return local_date(start, time_zone) != local_date(end - timedelta.resolution, time_zone)
