"""Facts about published hours, weekly schedules and absences."""

from datetime import date
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from .base import Fact, Instant


class SlotPublished(Fact):
    """A booking slot was published manually."""

    doctor_id: UUID
    start_time: Instant
    end_time: Instant


class SlotMoved(SlotPublished):
    """A booking slot has a different start or end."""

    old_start_time: Instant
    old_end_time: Instant


class SlotWithdrawn(SlotPublished):
    """A booking slot was removed manually."""


class SlotsGenerated(Fact):
    """`created` booking slots were published from weekly schedules. The subject is the doctor, or the clinic if all its
    doctors are affected."""

    created: int
    from_: date = msgspec.field(name="from")
    to: date
    absence_id: UUID | UnsetType = UNSET
    """The absence whose removal made the slots possible again."""


class SlotsWithdrawn(Fact):
    """Published hours were withdrawn: `count` booking slots lost some or all of their time."""

    count: int
    from_: Instant = msgspec.field(name="from")
    doctor_id: UUID | UnsetType = UNSET
    absence_id: UUID | UnsetType = UNSET
    """The absence that caused the withdrawal."""
    stranded: int = 0
    """The number of appointments that remain in the withdrawn time and need rebooking."""


class ScheduleChanged(Fact):
    """A doctor's weekly schedule changed. Published hours did not change: see `schedule.applied`."""

    doctor_id: UUID
    doctor_slot_id: UUID | UnsetType = UNSET
    time_slot_id: UUID | UnsetType = UNSET
    valid_from: date | UnsetType = UNSET


class ScheduleApplied(Fact):
    """Published hours were updated to match weekly schedules. The subject is the doctor, or the clinic if all its
    doctors are affected."""

    from_: date = msgspec.field(name="from")
    to: date
    added: int
    removed: int
    kept: int
    stranded: int


class TimeSlotFact(Fact):
    time_slot_id: UUID


class TimeSlotAdded(TimeSlotFact):
    """A time slot was added to a clinic."""


class TimeSlotChanged(TimeSlotFact):
    """A time slot has different times or a different name."""


class TimeSlotRemoved(TimeSlotFact):
    """A time slot was removed."""


class AbsenceFact(Fact):
    doctor_id: UUID | None
    """None if the clinic is closed."""
    start_time: Instant
    end_time: Instant


class AbsenceAdded(AbsenceFact):
    """A doctor's absence or a closure of the clinic was added."""


class AbsenceChanged(AbsenceFact):
    """An absence has a different start, end or reason."""

    old_start_time: Instant
    old_end_time: Instant


class AbsenceRemoved(AbsenceFact):
    """An absence was removed."""
