"""Changes to weekly schedules, and their effect on published hours."""

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
    """The local dates of the change (inclusive), and what to do with appointments outside the new hours."""

    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """Defaults to today."""
    to: fields.Date | None = None
    """Defaults to the last date with published hours, because slot generation publishes later ones; with `publish`, to
    the clinic's horizon."""
    stranded: Literal["keep", "refuse"] = "refuse"
    """`keep`: appointments outside the new hours keep their time and need rebooking; `refuse`: they prevent the
    change."""
    publish: bool = False
    """Also publish any hours up to the clinic's horizon that have not been published yet."""

    def __post_init__(self) -> None:
        if self.from_ and self.to:
            check_dates(self.from_, self.to)


class DoctorsScheduleChangeContent(ScheduleChangeContent):
    """A change for one doctor. If it contains a week, the week is saved and applied together, or neither happens."""

    weekly: Week | None = None
    """Replaces the week from `from` onwards; earlier lines end the day before. If omitted, the saved week is
    applied."""


class ScheduleChangeQuery(RequestBody):
    dry_run: bool = False
    """Return the effect without making the change."""


class ChangedSlot(msgspec.Struct, rename="camel"):
    doctor_id: UUID
    start_time: datetime
    end_time: datetime
    date: date


class ScheduleChange(msgspec.Struct):
    """The effect of a change, earliest first. Leaves out what never changes: manual slots, manually removed time and
    slots in progress."""

    added: list[ChangedSlot]
    removed: list[ChangedSlot]
    kept: list[ChangedSlot]
    stranded: list[Appointment]
    """Appointments that the change leaves outside the hours."""


class Span(msgspec.Struct, frozen=True):
    """A range of a doctor's time on a local date. `id` identifies its slot or appointment, or is None for a slot that
    is to be published."""

    id: UUID | None
    doctor_id: UUID
    date: date
    time_slot_id: UUID | None
    start: datetime
    end: datetime


class PublishedHours(NamedTuple):
    """How far ahead a clinic's or a doctor's hours are published."""

    time_zone: str
    last_date: date | None
    """The last local date with a slot that has not ended, if any."""
    horizon_days: int


class PublicationChanges(NamedTuple):
    """The changes that make published hours match weekly schedules."""

    kept: list[Span]
    added: list[Span]
    removed: list[Span]
    left: list[Span]
    """Appointment times that stay published, even though the hours no longer cover them."""
    absorbed: list[Span]
    """Times that an earlier change left published for appointments that no longer need them."""
    stranded: list[Span]
    """Appointments that need rebooking because the hours no longer cover them, except for past ones."""
    covered: list[Span]
    """Stranded appointments that the hours cover again."""

    @classmethod
    def of(cls, spans: Iterable[tuple[str, Span]]) -> "PublicationChanges":
        """Group spans by outcome. Each outcome is the name of a field."""
        changes = cls([], [], [], [], [], [], [])
        for outcome, span in spans:
            getattr(changes, outcome).append(span)
        return changes


def changed_slots(spans: Sequence[Span]) -> list[ChangedSlot]:
    """Return the spans as they appear in API responses."""
    return [ChangedSlot(span.doctor_id, span.start, span.end, span.date) for span in spans]
