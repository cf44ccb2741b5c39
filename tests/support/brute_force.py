"""What can be booked, worked out minute by minute: an oracle for availability and booking. Shares nothing with them but
the time zones."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


class Slot(NamedTuple):
    start: datetime
    end: datetime


class Wanted(NamedTuple):
    """Minutes for the patient, and the doctor's around them."""

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
        self.open = {m for slot in slots for m in minutes_between(*slot)}
        self.taken = {m for claim in claims for m in minutes_between(*claim)}

    def claim(self, start: datetime, wanted: Wanted) -> None:
        self.taken.update(self._claim(start, wanted))

    @staticmethod
    def _claim(start: datetime, wanted: Wanted) -> range:
        return range(minute(start) - wanted.before, minute(start) + wanted.minutes + wanted.after)

    def is_free(self, start: datetime, wanted: Wanted) -> bool:
        return self.taken.isdisjoint(self._claim(start, wanted))

    def is_open(self, start: datetime, wanted: Wanted) -> bool:
        return self.open.issuperset(range(minute(start), minute(start) + wanted.minutes))


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
        """Whether an appointment may start then: not in the past, not too soon, not too far ahead."""
        early = start < self.now or start < self.now + self.notice * MINUTE
        return not early and self.day(start) <= self.day(self.now) + timedelta(days=self.horizon)

    def fits_a_day(self, start: datetime, wanted: Wanted) -> bool:
        return len({self.day(start + n * MINUTE) for n in (0, wanted.minutes - 1)}) == 1

    def is_bookable(self, doctor: Doctor, start: datetime, wanted: Wanted) -> bool:
        return (
            self.allows(start)
            and self.fits_a_day(start, wanted)
            and doctor.is_open(start, wanted)
            and doctor.is_free(start, wanted)
        )

    def offers(self, doctor: Doctor, wanted: Wanted | None) -> Iterator[Offer]:
        """Every time on the step, counted from each slot's start, for which the hours are long enough. Without a
        length, whole slots."""
        for slot in doctor.slots:
            length = wanted or Wanted(len(minutes_between(*slot)))
            starts = minutes_between(*slot)[:: self.step] if wanted else [minute(slot.start)]
            for start in (datetime.fromtimestamp(60 * m, UTC) for m in starts):
                if doctor.is_open(start, length) and self.fits_a_day(start, length):
                    yield Offer(
                        start, start + length.minutes * MINUTE, doctor.id, self.is_bookable(doctor, start, length)
                    )
