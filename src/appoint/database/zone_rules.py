"""Compare PostgreSQL's time zone rules with those of the `tzdata` package.

PostgreSQL turns published hours into instants; Python turns instants into the times that people see. Where their rules
differ, people see times that no clinic has published.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple

import msgspec

from ..kit import clock
from .pool import Statements, to
from .sql import load

SPAN: Final = timedelta(days=2 * 365)
"""How far ahead rules are compared: further than any clinic can be booked."""
STEP: Final = timedelta(days=7)
"""Every offset of a zone lasts at least this long."""
TTL_SECONDS: Final = 3600.0
ZONES_THAT_DIFFER: Final = load(__name__, "zones_that_differ")


class DifferentZone(msgspec.Struct, frozen=True):
    """A zone whose rules differ, or that PostgreSQL does not know."""

    zone: str
    in_use: bool
    """Whether an active clinic is in this zone."""


class OffsetPeriod(NamedTuple):
    """A period during which a zone's offset from UTC stays the same, according to Python's rules."""

    zone: str
    start: datetime
    end: datetime
    offset: timedelta


def periods(zones: Mapping[str, tzinfo], start: datetime, end: datetime) -> list[OffsetPeriod]:
    """Return the zones' periods between the two instants, exact to the second."""
    return [period for name, zone in zones.items() for period in _periods(name, zone, start, end)]


def _periods(name: str, zone: tzinfo, start: datetime, end: datetime) -> list[OffsetPeriod]:
    earlier: list[OffsetPeriod] = []
    first = instant = start
    offset = _offset(zone, start)
    while instant < end:
        following = min(instant + STEP, end)
        if _offset(zone, following) != offset:
            change = _first_second_without(offset, zone, instant, following)
            earlier.append(OffsetPeriod(name, first, change, offset))
            first, offset = change, _offset(zone, change)
        instant = following
    return [*earlier, OffsetPeriod(name, first, end, offset)] if first < end else earlier


def _first_second_without(offset: timedelta, zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """Return when the offset changes between the two instants."""
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, before + timedelta(seconds=middle)) == offset:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


async def find_differences(db: Statements, compared: list[OffsetPeriod]) -> list[DifferentZone]:
    """Return the zones for which PostgreSQL's offsets differ from the given ones."""
    rows = await db.fetch(
        ZONES_THAT_DIFFER,
        zones=[period.zone for period in compared],
        starts=[period.start for period in compared],
        ends=[period.end for period in compared],
        offsets=[period.offset for period in compared],
    )
    return [to(DifferentZone, row) for row in rows]


class ZoneRules:
    """Compares all zones, at most once an hour."""

    def __init__(self) -> None:
        self._differences: list[DifferentZone] = []
        self._expires_at = 0.0
        self._lock: Final = asyncio.Lock()

    async def differences(self, db: Statements, *, now: datetime) -> list[DifferentZone]:
        """Return the zones for which the two sets of rules differ in the next two years."""
        time = asyncio.get_running_loop().time
        async with self._lock:
            if time() >= self._expires_at:
                zones = {name: clock.zone(name) for name in clock.ZONES}
                start = now.replace(microsecond=0)
                compared = await asyncio.to_thread(periods, zones, start, start + SPAN)
                self._differences = await find_differences(db, compared)
                self._expires_at = time() + TTL_SECONDS
            return self._differences


def describe(differences: list[DifferentZone]) -> str:
    """Return a sentence that lists the zones and says which of them have clinics."""
    zones = ", ".join(different.zone for different in differences)
    in_use = ", ".join(different.zone for different in differences if different.in_use)
    affected = (
        f"Clinics are in {in_use}: their hours are published at the wrong time."
        if in_use
        else "No clinic is in any of them."
    )
    return f"PostgreSQL and Appoint have different rules for {zones}. {affected}"
