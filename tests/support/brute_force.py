"""An oracle for availability and booking that works out, minute by minute, what can be booked. It shares nothing with
the product except the time zones.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


class Slot(NamedTuple):
    start: datetime
    end: datetime


class VisitLength(NamedTuple):
    """The length of an appointment and the doctor's buffers before and after it, in minutes."""

    minutes: int
    before: int = 0
    after: int = 0


class Offer(NamedTuple):
    start: datetime
    end: datetime
    doctor: object
    available: bool


def minute(instant: datetime) -> int:
    return round(instant.timestamp()) // 60


def minutes_between(start: datetime, end: datetime) -> range:
    return range(minute(start), minute(end))


class Doctor:
    def __init__(self, id: object, slots: list[Slot], claims: list[tuple[datetime, datetime]]) -> None:
        self.id = id
        self.slots = sorted(slots)
        self.open_minutes = {m for slot in slots for m in minutes_between(*slot)}
        self.claimed_minutes = {m for claim in claims for m in minutes_between(*claim)}

    def claim(self, start: datetime, length: VisitLength) -> None:
        self.claimed_minutes.update(self._claim(start, length))

    @staticmethod
    def _claim(start: datetime, length: VisitLength) -> range:
        return range(minute(start) - length.before, minute(start) + length.minutes + length.after)

    def is_free(self, start: datetime, length: VisitLength) -> bool:
        return self.claimed_minutes.isdisjoint(self._claim(start, length))

    def is_open(self, start: datetime, length: VisitLength) -> bool:
        return self.open_minutes.issuperset(range(minute(start), minute(start) + length.minutes))


class Clinic:
    def __init__(self, zone: str, *, now: datetime, step: int, notice: int, horizon: int) -> None:
        self.zone = ZoneInfo(zone)
        self.now = now
        self.step = step
        self.notice = notice
        self.horizon = horizon

    def day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def allows(self, start: datetime) -> bool:
        """Return whether an appointment can start then: not in the past, not too soon, not too far ahead."""
        early = start < self.now or start < self.now + self.notice * MINUTE
        return not early and self.day(start) <= self.day(self.now) + timedelta(days=self.horizon)

    def fits_a_day(self, start: datetime, length: VisitLength) -> bool:
        return len({self.day(start + n * MINUTE) for n in (0, length.minutes - 1)}) == 1

    def is_bookable(self, doctor: Doctor, start: datetime, length: VisitLength) -> bool:
        return (
            self.allows(start)
            and self.fits_a_day(start, length)
            and doctor.is_open(start, length)
            and doctor.is_free(start, length)
        )

    def offers(self, doctor: Doctor, length: VisitLength | None) -> Iterator[Offer]:
        """Yield an offer for each start time, in steps from the start of each slot, that leaves enough room for the
        visit. Without a length, yield whole slots.
        """
        for slot in doctor.slots:
            visit = length or VisitLength(len(minutes_between(*slot)))
            starts = minutes_between(*slot)[:: self.step] if length else [minute(slot.start)]
            for start in (datetime.fromtimestamp(60 * m, UTC) for m in starts):
                if doctor.is_open(start, visit) and self.fits_a_day(start, visit):
                    end = start + visit.minutes * MINUTE
                    yield Offer(start, end, doctor.id, self.is_bookable(doctor, start, visit))
