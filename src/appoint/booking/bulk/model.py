"""Changes to several appointments, and their outcome."""

from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

import msgspec

from ...kit import errors, fields
from ...kit.structs import RequestBody
from ..model import Appointment
from ..steps import UndoOffer
from ..time_rules import Override

MAX_APPOINTMENTS: Final = 200
ID: Final = "00000001-0197-818c-8c22-0201f9661508"


class SelectedAppointment(RequestBody):
    """An appointment to change."""

    EXAMPLE: ClassVar = {"id": ID, "version": 3}

    id: UUID
    version: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Change the appointment only if this is its current version."""

    @property
    def if_match(self) -> str:
        """The version as an `If-Match` header."""
        return f'"v{self.version}"' if self.version else "*"


class CancelAppointments(RequestBody):
    EXAMPLE: ClassVar = {"appointments": [SelectedAppointment.EXAMPLE], "reason": "Dr. Shah is ill"}

    appointments: Annotated[list[SelectedAppointment], msgspec.Meta(min_length=1, max_length=MAX_APPOINTMENTS)]
    reason: fields.ShortText | None = None
    """Stored with each appointment. The patients' messages contain it."""

    def __post_init__(self) -> None:
        check_distinct(self.appointments)


class AskToRebook(RequestBody):
    EXAMPLE: ClassVar = {"appointments": [SelectedAppointment.EXAMPLE], "by": "link"}

    appointments: Annotated[list[SelectedAppointment], msgspec.Meta(min_length=1, max_length=MAX_APPOINTMENTS)]
    by: Literal["link", "phone"]
    """`link` sends each patient a link to choose a new time, `phone` puts them on the list of patients to call.
    Patients without an email address or phone number are always put on that list."""

    def __post_init__(self) -> None:
        check_distinct(self.appointments)


class Move(SelectedAppointment):
    """A new time, a new doctor or both for an appointment. Omitted members stay unchanged."""

    EXAMPLE: ClassVar = {"id": ID, "startTime": "2027-03-01T08:30:00Z"}

    start_time: fields.Minute | None = None
    doctor_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.start_time is None and self.doctor_id is None:
            raise errors.Invalid(errors.Fault("#/startTime", "is required unless doctorId is given"))


class MoveAppointments(RequestBody):
    EXAMPLE: ClassVar = {"appointments": [Move.EXAMPLE]}

    appointments: Annotated[list[Move], msgspec.Meta(min_length=1, max_length=MAX_APPOINTMENTS)]
    override: Override | None = None
    """Applies to all appointments."""

    def __post_init__(self) -> None:
        check_distinct(self.appointments)


def check_distinct(appointments: "list[SelectedAppointment] | list[Move]") -> None:
    """Raise `Invalid` if an appointment appears twice."""
    ids = [each.id for each in appointments]
    if len(set(ids)) < len(ids):
        raise errors.Invalid(errors.Fault("#/appointments", "must not contain the same appointment twice"))


class UnchangedAppointment(msgspec.Struct, rename="camel", frozen=True):
    """An appointment that stays as it is, and why."""

    appointment_id: UUID
    reason: Annotated[str, msgspec.Meta(examples=["taken"])]
    """The problem's type."""
    title: str = ""
    """The problem's title in the caller's language."""


class ChangedAppointments(msgspec.Struct, rename="camel", frozen=True):
    """The outcome of changing several appointments. Each one is changed or not, independently of the others."""

    appointments: list[Appointment]
    """The changed appointments."""
    unchanged: list[UnchangedAppointment]
    count: int
    """How many were changed."""
    undo: UndoOffer | None
    """How to undo all of the changes; null if there are none."""
