"""The clinic's last step for an appointment."""

from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from ...kit import clock
from ..model import Appointment, Status


class PreviousTime(NamedTuple):
    """An appointment's doctor and time before a step."""

    doctor_id: UUID
    start: datetime
    end: datetime
    had_own_hours: bool
    """Whether hours may have been published for the appointment alone."""


class Undo(NamedTuple):
    """The clinic's last step for an appointment, while it can be taken back."""

    status: Status
    """The status before the step."""
    stepped_at: datetime
    step_id: UUID | None = None
    """None for a step taken by a server from an earlier release."""
    moved: bool = False
    before: PreviousTime | None = None
    """The appointment's doctor and time before the step."""

    def is_possible(self, now: datetime, time_zone: str) -> bool:
        """Return whether the step was taken today, on the clinic's local date."""
        return is_today(self.stepped_at, now, time_zone)


def is_today(instant: datetime, now: datetime, time_zone: str) -> bool:
    """Return whether both instants are on the same local date."""
    return clock.local_date(instant, time_zone) == clock.local_date(now, time_zone)


class SteppedAppointment(NamedTuple):
    """An appointment that a step changed."""

    appointment_id: UUID
    undone: bool


class NotUndone(msgspec.Struct, rename="camel", frozen=True):
    """An appointment for which a step could not be undone."""

    appointment_id: UUID
    reason: Annotated[str, msgspec.Meta(examples=["taken"])]
    """The problem's type, such as `taken`, `changed-since` or `nothing-to-undo`."""


class UndoneStep(msgspec.Struct, rename="camel", frozen=True):
    """The outcome of undoing a step."""

    appointments: list[Appointment]
    """The restored appointments."""
    not_undone: list[NotUndone]
    """The appointments that stay as they are, because their time is taken or someone has changed them since."""
