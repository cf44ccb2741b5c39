"""A booking is the set of its appointments; versions and changes are theirs."""

from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

from ...kit import errors, fields
from ..model import Appointment
from ..rules import Override, TimeRequest


class Booking(msgspec.Struct, rename="camel"):
    booking_id: UUID
    clinic_id: int
    customer_id: UUID
    """Who it is for as a whole; an appointment may be for somebody else of the family."""
    appointments: list[Appointment]


class PartRequest(TimeRequest):
    """One appointment of a booking; without a customer of its own it is for the booking's."""

    EXAMPLE: ClassVar = {
        "startTime": "2027-03-01T08:30:00Z",
        "appointmentTypeId": "00000001-0197-82e3-8f22-029f62866244",
    }

    customer_id: UUID | None = None
    clinic_id: fields.ClinicNumber | None = None
    """The booking's own, if said at all."""


class BookingRequest(TimeRequest, kw_only=True):
    """Appointments to be made together, all or nothing: a list of them, or one whose members stand at the top."""

    EXAMPLE: ClassVar = {
        "clinicId": 1,
        "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "appointments": [
            PartRequest.EXAMPLE,
            {**PartRequest.EXAMPLE, "customerId": "01978a5c-7d3e-7000-8000-000000000001"},
        ],
    }

    clinic_id: fields.ClinicNumber
    customer_id: UUID
    appointments: Annotated[list[PartRequest], msgspec.Meta(min_length=1, max_length=20)] | None = None
    override: Override | None = None
    """Only for staff; for all of the appointments. Hours can be set aside for a doctor who is named."""

    def __post_init__(self) -> None:
        if self.appointments is None:
            super().__post_init__()
        elif (
            self.start_time
            or self.booking_slot_id
            or self.end_time
            or self.doctor_id
            or self.appointment_type_id
            or self.hold
            or self.notes
        ):
            raise errors.Invalid(
                errors.Fault("#/appointments", "cannot be combined with the members of a single appointment")
            )
