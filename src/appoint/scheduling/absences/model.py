"""Absences and the appointments that they affect."""

from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ...booking.availability.model import OfferedTime
from ...kit import errors, fields
from ...kit.structs import PageQuery, RequestBody, Resource

MAX_ABSENCE_LENGTH: Final = timedelta(days=366)


class AbsenceContent(RequestBody):
    """A period when a doctor is away or the whole clinic is closed. Times are on whole minutes."""

    start_time: fields.Minute
    end_time: fields.Minute
    doctor_id: UUID | None = None
    """null if the whole clinic is closed."""
    reason: fields.Text | None = None

    def __post_init__(self) -> None:
        fields.check_times(self.start_time, self.end_time)
        if self.end_time - self.start_time > MAX_ABSENCE_LENGTH:
            raise errors.Invalid(
                errors.Fault(
                    "#/endTime", "must be no more than {days} days after the start", days=MAX_ABSENCE_LENGTH.days
                )
            )


class AbsencePatch(RequestBody):
    """Changes to an absence. Its doctor cannot be changed."""

    EXAMPLE: ClassVar = {"endTime": "2027-03-05T17:00:00Z"}

    start_time: fields.Minute | UnsetType = UNSET
    end_time: fields.Minute | UnsetType = UNSET
    reason: fields.Text | None | UnsetType = UNSET


class AbsenceQuery(RequestBody):
    force: bool = False
    """Keep conflicting appointments and mark them for rebooking."""


class AbsenceFilter(PageQuery):
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """Return only absences that end on or after this day."""
    to: fields.Date | None = None
    """Return only absences that begin on or before this day."""
    doctor_id: UUID | None = None
    """Return only absences that affect this doctor, including closures of the whole clinic."""

    def __post_init__(self) -> None:
        if self.from_ and self.to and self.to < self.from_:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))


class Absence(Resource):
    id: UUID
    clinic_id: int
    doctor_id: UUID | None
    """null if the whole clinic is closed."""
    start_time: datetime
    end_time: datetime
    reason: str | None
    active: bool
    removed_at: datetime | None


class Withdrawal(NamedTuple):
    """The effect of withdrawing published time: how many slots lost time, and how many appointments need rebooking as a
    result."""

    slots: int
    stranded: int


class Period(NamedTuple):
    """A half-open range of time."""

    start: datetime
    end: datetime

    def without(self, other: "Period") -> list["Period"]:
        """Return the parts of the period that the other does not cover."""
        parts = [
            Period(self.start, min(self.end, other.start)),
            Period(max(self.start, other.end), self.end),
        ]
        return [part for part in parts if part.start < part.end]


class AwayPeriod(NamedTuple):
    """A period when a doctor is away, or when all doctors are (`doctor_id` is None)."""

    doctor_id: UUID | None
    start: datetime
    end: datetime

    def contains(self, offer: OfferedTime) -> bool:
        """Return whether the offered time overlaps the absence."""
        return self.doctor_id in (None, offer.doctor_id) and self.start < offer.end_time and offer.start_time < self.end


class AffectedAppointment(msgspec.Struct, frozen=True):
    """An appointment that cannot keep its time, with its customer's name and phone number if the clinic has them."""

    id: UUID
    version: int
    doctor_id: UUID
    customer_id: UUID
    appointment_type_id: UUID | None
    start_time: datetime
    end_time: datetime
    customer_name: str | None
    customer_phone: str | None
    rebook_by: Literal["link", "phone"] | None = None
    """How the clinic asked the patient to choose a new time; None if it has not asked yet."""
    rebook_asked_at: datetime | None = None


class RebookingOptions(NamedTuple):
    """Free times for an appointment that cannot keep its time, nearest first, with its own doctor and with others. No
    time is offered for two appointments."""

    same: list[OfferedTime]
    others: list[OfferedTime]

    @property
    def suggestion(self) -> OfferedTime | None:
        """The nearest time with the same doctor or, if there is none, with another."""
        return next(iter((*self.same, *self.others)), None)


class AppointmentToRebook(msgspec.Struct, rename="camel", frozen=True):
    """An appointment that cannot keep its time, and free times that it could move to. No time is offered twice."""

    appointment_id: UUID
    version: int
    doctor_id: UUID
    appointment_type_id: UUID | None
    start_time: datetime
    end_time: datetime
    customer_name: str | None
    customer_phone: str | None
    rebook_by: Literal["link", "phone"] | None
    """How the clinic asked the patient to choose a new time; null if it has not asked yet."""
    rebook_asked_at: datetime | None
    suggestions: list[OfferedTime]
    """The nearest times with the same doctor, then with others."""

    @classmethod
    def of(cls, appointment: AffectedAppointment, options: RebookingOptions) -> "AppointmentToRebook":
        members = msgspec.structs.asdict(appointment)
        del members["customer_id"]
        return cls(appointment_id=members.pop("id"), **members, suggestions=[*options.same, *options.others])


class PossibleColleague(msgspec.Struct, rename="camel", frozen=True):
    """A doctor who could take over appointments at the same times."""

    doctor_id: UUID
    appointment_ids: list[UUID]


class RebookingList(msgspec.Struct, rename="camel", frozen=True):
    """The appointments that need rebooking, earliest first, and the colleagues who could take over some of them."""

    appointments: list[AppointmentToRebook]
    colleagues: list[PossibleColleague]
    has_more: bool
    """Whether there are more appointments. They appear once these are done."""


class RebookingFilter(RequestBody):
    doctor_id: UUID | None = None
    """Return only this doctor's appointments."""


class Colleague(NamedTuple):
    """A doctor who could take over appointments at the same times."""

    doctor_id: UUID
    appointments: list[AffectedAppointment]
    """Those that the doctor could take over."""
