"""The numbers people look at: what each means, the periods they are shown for, and the shapes they are drawn as.

All are about the local date on which an appointment begins, as it stands now: who moves takes the numbers along, and
the day on which somebody booked or cancelled does not matter. Holds are no bookings until they are confirmed. The
database's function `summed` says it exactly.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Final, Literal, NamedTuple
from uuid import UUID

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


class Touched(NamedTuple):
    """Days that something may have changed of: between two instants or two dates, inclusive; without an end all that
    follow. Of a doctor, or of all."""

    clinic_id: int
    doctor_id: UUID | None
    start: datetime | None = None
    end: datetime | None = None
    first: date | None = None
    last: date | None = None


def touched(event: Event) -> Iterator[Touched]:
    """The days that what an event tells may have changed. Whatever else changes published or booked time tells one of
    these too."""
    fact, clinic_id = event.fact, event.clinic_id
    match fact:
        case AppointmentRescheduled():
            yield Touched(clinic_id, fact.old_doctor_id, fact.old_start_time, fact.old_end_time)
            yield Touched(clinic_id, fact.doctor_id, fact.start_time, fact.end_time)
        case SlotMoved():
            yield Touched(clinic_id, fact.doctor_id, fact.old_start_time, fact.old_end_time)
            yield Touched(clinic_id, fact.doctor_id, fact.start_time, fact.end_time)
        case AppointmentFact() | SlotPublished() | AbsenceRemoved():
            yield Touched(clinic_id, fact.doctor_id, fact.start_time, fact.end_time)
        case SlotsGenerated() | ScheduleApplied():
            yield Touched(clinic_id, _doctor_of(event), first=fact.from_, last=fact.to)
        case SlotsWithdrawn():
            yield Touched(clinic_id, _doctor_of(event), start=fact.from_)
        case _:
            pass


def _doctor_of(event: Event) -> UUID | None:
    """Whom an event of many slots is about; None: all doctors of the clinic."""
    return None if event.subject_id.isdigit() else UUID(event.subject_id)


LONGEST: Final = timedelta(days=366)
PERIODS: Final = {"4w": 28, "3m": 91, "12m": 365}
"""Days up to today."""


class Period(NamedTuple):
    """Local dates, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """The period of the same length that ends where this one begins."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def unit(self) -> Unit:
        """In what steps it is shown."""
        return "day" if self.days <= 35 else "week" if self.days <= 190 else "month"

    def steps(self) -> Iterator[date]:
        """The first date of each day, ISO week or month that the period has part of."""
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


def period(first: date | None, last: date | None, today: date) -> Period:
    """The one that was asked for, or the last four weeks; a year at most."""
    last = last or (first + timedelta(days=27) if first else today)
    first = first or last - timedelta(days=27)
    first, last = min(first, last), max(first, last)
    return Period(max(first, last - LONGEST + timedelta(days=1)), last)


class Sums(NamedTuple):
    """Of some days."""

    booked: int = 0
    cancelled: int = 0
    missed: int = 0
    kept: int = 0
    lead_days: int = 0
    published_minutes: int = 0
    booked_minutes: int = 0

    @property
    def cancellation_rate(self) -> float | None:
        """Of what was booked."""
        return share(self.cancelled, self.booked)

    @property
    def no_show_rate(self) -> float | None:
        """Of those of whom it is known whether they came."""
        return share(self.missed, self.missed + self.kept)

    @property
    def mean_lead(self) -> float | None:
        """Days from booking to appointment."""
        return share(self.lead_days, self.booked)

    @property
    def utilisation(self) -> float | None:
        """Of the minutes published, those that appointments take."""
        return share(self.booked_minutes, self.published_minutes)


def share(part: int, whole: int) -> float | None:
    """None where there is nothing to have a part of."""
    return part / whole if whole else None


LEADS: Final = ((0, 0), (1, 1), (2, 3), (4, 7), (8, 14), (15, 28), (29, 56), (57, None))
"""Days from booking to appointment, from and to, as they are counted together."""


class Cell(NamedTuple):
    """A cell of a heat map."""

    published_minutes: int
    booked_minutes: int

    @property
    def share(self) -> float | None:
        return share(self.booked_minutes, self.published_minutes)

    @property
    def heat(self) -> int:
        """From 0 to 9."""
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
    """A label on an axis, and where it stands."""

    at: float
    text: str


class Chart(NamedTuple):
    """Bars beside each other, in a frame of `WIDTH` by `HEIGHT`."""

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
    shown: Sequence[Sequence[str]],
    axis: Sequence[tuple[float, str]],
) -> Chart:
    """Bars of one or more series, each with its own text. `axis` are the values with a line and their labels; the last
    is the top."""
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
            text,
        )
        for place, (values, texts) in enumerate(zip(series, shown, strict=True))
        for number, (value, text) in enumerate(zip(values, texts, strict=True))
        if value
    ]
    every = -(-len(labels) // 8)
    across = [
        Mark(round(LEFT + room * (number + 0.5), 1), label)
        for number, label in enumerate(labels)
        if number % every == 0
    ]
    return Chart(bars, across, [Mark(round(up(value), 1), label) for value, label in axis])


def rungs(most: float) -> list[int]:
    """Round values from 0 to at least `most`, in five steps at most."""
    size = next(size for power in count() for size in (10**power, 2 * 10**power, 5 * 10**power) if size * 5 >= most)
    return [size * number for number in range(max(-int(-most // size), 1) + 1)]
