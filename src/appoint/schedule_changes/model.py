"""What a change of weekly schedules does to hours that are published already."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from .. import wire
from ..appointments.model import Appointment
from ..resources import Request
from ..slots.model import check_dates


class ScheduleChangeContent(Request):
    """Local dates, both inclusive, and what becomes of appointments outside the new hours."""

    from_: wire.Date | None = msgspec.field(default=None, name="from")
    """Today, when left out."""
    to: wire.Date | None = None
    """The last date that is published, when left out; later dates are left to generation."""
    stranded: Literal["keep", "refuse"] = "refuse"
    """keep: they stay, to be rebooked."""

    def __post_init__(self) -> None:
        if self.from_ and self.to:
            check_dates(self.from_, self.to)


class ScheduleChangeQuery(Request):
    dry_run: bool = False
    """Only tell what would happen."""


class ChangedSlot(msgspec.Struct, rename="camel"):
    doctor_id: UUID
    start_time: datetime
    end_time: datetime
    date: date


class ScheduleChange(msgspec.Struct):
    """What a change does, earliest first. Slots by hand, time removed by hand and slots in progress stay as they are, and are not told."""

    added: list[ChangedSlot]
    removed: list[ChangedSlot]
    kept: list[ChangedSlot]
    stranded: list[Appointment]
    """Appointments that are outside the hours by this change."""


class Span(msgspec.Struct, frozen=True):
    """A range of a doctor's on a local date. `id` is that of the slot, or of the appointment, that it is the range of; None for a slot to be."""

    id: UUID | None
    doctor_id: UUID
    date: date
    time_slot_id: UUID | None
    start: datetime
    end: datetime


class Fitting(NamedTuple):
    """What makes published hours agree with weekly schedules. Slots that are `kept` stay as they are."""

    kept: list[Span]
    added: list[Span]
    removed: list[Span]
    stranded: list[Span]
    """Appointments that would lie outside the hours from now on, and have to be rebooked."""
    held: list[Span]
    """The same that need no rebooking, because they are over. Only their range remains published, like that of the stranded."""
    absorbed: list[Span]
    """Slots that were left for a stranded appointment only, and are part of the hours again."""
    covered: list[Span]
    """Appointments that were stranded before, and lie within the hours again."""

    @classmethod
    def of(cls, spans: Iterable[tuple[str, Span]]) -> "Fitting":
        fitting = cls([], [], [], [], [], [], [])
        for becomes, span in spans:
            getattr(fitting, becomes).append(span)
        return fitting


def changed(spans: Sequence[Span]) -> list[ChangedSlot]:
    return [ChangedSlot(span.doctor_id, span.start, span.end, span.date) for span in spans]
