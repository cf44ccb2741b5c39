"""What the numbers in the reports mean, the periods they cover, and their charts.

Each appointment is counted on the local date on which it starts, in its current state. Rescheduling moves its numbers
to the new date; the dates of booking and cancelling do not matter. Holds are counted once they are confirmed. The
database function `summed` is the exact definition.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ...events.facts import (
    AbsenceRemoved,
    AppointmentFact,
    AppointmentRescheduled,
    ScheduleApplied,
    SlotMoved,
    SlotPublished,
    SlotsGenerated,
    SlotsWithdrawn,
)
from ...events.model import Event

Unit = Literal["day", "week", "month"]


class AffectedDays(NamedTuple):
    """Days whose sums may be out of date, for one doctor or for all of the clinic's doctors. They lie between two
    points in time or two dates, both inclusive. Without an end, they include all days from the start onwards."""

    clinic_id: int
    doctor_id: UUID | None
    start: datetime | None = None
    end: datetime | None = None
    first: date | None = None
    last: date | None = None


def affected_days(event: Event) -> Iterator[AffectedDays]:
    """Yield the days whose sums an event may have changed. Every change to published or booked time appends one of the
    events listed here."""
    fact, clinic_id = event.fact, event.clinic_id
    match fact:
        case AppointmentRescheduled():
            yield AffectedDays(clinic_id, fact.old_doctor_id, fact.old_start_time, fact.old_end_time)
            yield AffectedDays(clinic_id, fact.doctor_id, fact.start_time, fact.end_time)
        case SlotMoved():
            yield AffectedDays(clinic_id, fact.doctor_id, fact.old_start_time, fact.old_end_time)
            yield AffectedDays(clinic_id, fact.doctor_id, fact.start_time, fact.end_time)
        case AppointmentFact() | SlotPublished() | AbsenceRemoved():
            yield AffectedDays(clinic_id, fact.doctor_id, fact.start_time, fact.end_time)
        case SlotsGenerated() | ScheduleApplied():
            yield AffectedDays(clinic_id, _doctor_of(event), first=fact.from_, last=fact.to)
        case SlotsWithdrawn():
            yield AffectedDays(clinic_id, _doctor_of(event), start=fact.from_)
        case _:
            pass


def _doctor_of(event: Event) -> UUID | None:
    """Return the doctor whose slots an event is about; None for all of the clinic's doctors."""
    return None if event.subject_id.isdigit() else UUID(event.subject_id)


MAX_PERIOD: Final = timedelta(days=366)
PERIODS: Final = {"4w": 28, "3m": 91, "12m": 365}
"""Shortcuts for periods that end today, with their length in days."""


class ReportPeriod(NamedTuple):
    """A range of local dates, inclusive at both ends."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "ReportPeriod":
        """Return the preceding period of the same length."""
        return ReportPeriod(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def unit(self) -> Unit:
        """Return the length of the period's steps."""
        return "day" if self.days <= 35 else "week" if self.days <= 190 else "month"

    def steps(self) -> Iterator[date]:
        """Yield the first date of each day, ISO week or month that overlaps the period."""
        step = {
            "day": self.first,
            "week": self.first - timedelta(days=self.first.weekday()),
            "month": self.first.replace(day=1),
        }[self.unit]
        while step <= self.last:
            yield step
            step = (
                (step.replace(day=28) + timedelta(days=4)).replace(day=1)
                if self.unit == "month"
                else step + timedelta(days=7 if self.unit == "week" else 1)
            )


def period(first: date | None, last: date | None, today: date) -> ReportPeriod:
    """Return the requested period, limited to a year. The default is the last four weeks."""
    last = last or (first + timedelta(days=27) if first else today)
    first = first or last - timedelta(days=27)
    first, last = min(first, last), max(first, last)
    return ReportPeriod(max(first, last - MAX_PERIOD + timedelta(days=1)), last)


class Sums(msgspec.Struct, frozen=True):
    """The sums for a number of days."""

    booked: int = 0
    cancelled: int = 0
    missed: int = 0
    kept: int = 0
    lead_days: int = 0
    published_minutes: int = 0
    booked_minutes: int = 0

    @property
    def cancellation_rate(self) -> float | None:
        """Return the share of bookings that were cancelled."""
        return share(self.cancelled, self.booked)

    @property
    def no_show_rate(self) -> float | None:
        """Return the share of no-shows among appointments with a recorded outcome."""
        return share(self.missed, self.missed + self.kept)

    @property
    def mean_lead(self) -> float | None:
        """Return the mean number of days from booking to appointment."""
        return share(self.lead_days, self.booked)

    @property
    def utilisation(self) -> float | None:
        """Return the share of published minutes taken up by appointments."""
        return share(self.booked_minutes, self.published_minutes)


def share(part: int, whole: int) -> float | None:
    """Return `part / whole`, or None if `whole` is 0."""
    return part / whole if whole else None


LEADS: Final = ((0, 0), (1, 1), (2, 3), (4, 7), (8, 14), (15, 28), (29, 56), (57, None))
"""The ranges of days from booking to appointment that reports group together."""


class Step(NamedTuple):
    """The sums for a day, week or month."""

    since: date
    sums: Sums
    lead: Sequence[int]
    """The number of bookings in each of `LEADS`."""


class ReportedDoctor(NamedTuple):
    id: UUID
    name: str
    active: bool


class HourSums(NamedTuple):
    """The minutes for an hour of the day, either for a doctor or for a weekday."""

    doctor_id: UUID | None
    """None in sums for a weekday."""
    weekday: int | None
    """From 1 (Monday) to 7; None in sums for a doctor."""
    hour: int
    published_minutes: int
    booked_minutes: int


class Cell(NamedTuple):
    """A cell in a heat map: one hour for a doctor or weekday."""

    published_minutes: int
    booked_minutes: int

    @property
    def share(self) -> float | None:
        return share(self.booked_minutes, self.published_minutes)

    @property
    def heat(self) -> int:
        """Return the share in tenths, from 0 to 9."""
        return min(int((self.share or 0) * 10), 9)


WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 440, 200, 44, 26, 10


class Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


class Mark(NamedTuple):
    """A label on an axis and its position."""

    at: float
    text: str


class Chart(NamedTuple):
    """A bar chart in a frame that measures `WIDTH` by `HEIGHT`."""

    bars: Sequence[Bar]
    across: Sequence[Mark]
    up: Sequence[Mark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


def chart(
    labels: Sequence[str],
    series: Sequence[Sequence[float | None]],
    titles: Sequence[Sequence[str]],
    axis: Sequence[tuple[float, str]],
) -> Chart:
    """Return a chart with one or more series side by side. Each bar has its own title. `axis` lists the values that get
    a line, with their labels, from the bottom to the top."""
    top, floor = axis[-1][0], HEIGHT - BOTTOM
    room = (WIDTH - LEFT) / max(len(labels), 1)
    width = min(room * 0.8, 60) / len(series)

    def up(value: float) -> float:
        return floor - value / top * (floor - TOP)

    bars = [
        Bar(
            round(LEFT + room * (number + 0.5) + width * (place - len(series) / 2), 1),
            round(up(value), 1),
            round(width, 1),
            round(floor - up(value), 1),
            place,
            title,
        )
        for place, (values, its_titles) in enumerate(zip(series, titles, strict=True))
        for number, (value, title) in enumerate(zip(values, its_titles, strict=True))
        if value
    ]
    every = -(-len(labels) // 8)
    across = [
        Mark(round(LEFT + room * (number + 0.5), 1), label)
        for number, label in enumerate(labels)
        if number % every == 0
    ]
    return Chart(bars, across, [Mark(round(up(value), 1), label) for value, label in axis])


def axis_values(maximum: float) -> list[int]:
    """Return round values from 0 to at least `maximum`, in at most five steps."""
    size = next(size for power in count() for size in (10**power, 2 * 10**power, 5 * 10**power) if size * 5 >= maximum)
    return [size * number for number in range(max(-int(-maximum // size), 1) + 1)]
