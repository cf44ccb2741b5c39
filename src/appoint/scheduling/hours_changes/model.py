"""What a change of weekly schedules does to hours that are published already."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from ...booking.model import Appointment
from ...kit import fields
from ...kit.structs import RequestBody
from ..slots.model import check_dates
from ..weekly_hours.model import Week


class ScheduleChangeContent(RequestBody):
    """Local dates, both inclusive, and what becomes of appointments outside the new hours."""

    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """Today, when left out."""
    to: fields.Date | None = None
    """The last date that is published, when left out; later dates are left to generation."""
    stranded: Literal["keep", "refuse"] = "refuse"
    """keep: they stay, to be rebooked."""

    def __post_init__(self) -> None:
        if self.from_ and self.to:
            check_dates(self.from_, self.to)


class DoctorsScheduleChangeContent(ScheduleChangeContent):
    """For one doctor also a whole week, which is saved and applied together: all of it, or nothing."""

    weekly: Week | None = None
    """It replaces what holds on `from` and later; earlier lines end the day before. When left out, what was saved
    before is applied."""


class ScheduleChangeQuery(RequestBody):
    dry_run: bool = False
    """Only tell what would happen."""


class ChangedSlot(msgspec.Struct, rename="camel"):
    doctor_id: UUID
    start_time: datetime
    end_time: datetime
    date: date


class ScheduleChange(msgspec.Struct):
    """What a change does, earliest first. Slots by hand, time removed by hand and slots in progress stay as they are,
    and are not told."""

    added: list[ChangedSlot]
    removed: list[ChangedSlot]
    kept: list[ChangedSlot]
    stranded: list[Appointment]
    """Appointments that are outside the hours by this change."""


class Span(msgspec.Struct, frozen=True):
    """A range of a doctor's on a local date. `id` is that of the slot, or of the appointment, that it is the range of;
    None for a slot to be."""

    id: UUID | None
    doctor_id: UUID
    date: date
    time_slot_id: UUID | None
    start: datetime
    end: datetime


class Fitting(NamedTuple):
    """What makes published hours agree with weekly schedules."""

    kept: list[Span]
    added: list[Span]
    removed: list[Span]
    left: list[Span]
    """What is to remain published of appointments' own time, where the hours no longer cover it."""
    absorbed: list[Span]
    """What was left so before, and need not be any more."""
    stranded: list[Span]
    """Appointments that the hours no longer cover, and that have to be rebooked; those that are over have not."""
    covered: list[Span]
    """Appointments that were stranded, and that the hours cover again."""

    @classmethod
    def of(cls, spans: Iterable[tuple[str, Span]]) -> "Fitting":
        fitting = cls([], [], [], [], [], [], [])
        for becomes, span in spans:
            getattr(fitting, becomes).append(span)
        return fitting


def changed(spans: Sequence[Span]) -> list[ChangedSlot]:
    return [ChangedSlot(span.doctor_id, span.start, span.end, span.date) for span in spans]
