"""Bookings. A booking is a set of appointments; only the appointments have versions and can be changed."""

from datetime import datetime
from typing import Annotated, ClassVar, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ...customers.model import CustomerToken
from ...kit import errors, fields
from ..model import Appointment, PaymentOffer
from ..selection import AppointmentFilter
from ..time_rules import BookedCode, Override, TimeRequest


class Booking(msgspec.Struct, rename="camel"):
    booking_id: UUID
    clinic_id: int
    customer_id: UUID
    """The booking's customer. Individual appointments may be for other customers, such as family members."""
    appointments: list[Appointment]
    payment: PaymentOffer | UnsetType = UNSET
    """The deposit for all of the appointments, which are booked once it has been paid. Only responses to the booking
    request and its repeats contain it, while an appointment is on hold.
    """


class BookingListFilter(AppointmentFilter):
    updated_since: fields.Instant | None = None
    """Return only bookings with a matching appointment that changed at this time or later, ordered by that
    appointment's last change instead of the booking's start. To stay up to date, send the time just before your
    previous first request, minus a minute to allow for changes that were still being saved then.
    """


class BookingPlace(NamedTuple):
    """A listed booking's place: the start of its first appointment that matches the query or, in a list of changed
    bookings, the last change to a matching appointment."""

    booking_id: UUID
    at: datetime


class PartRequest(TimeRequest):
    """One appointment in a booking. It is for the booking's customer unless it names a different one."""

    EXAMPLE: ClassVar = {
        "startTime": "2027-03-01T08:30:00Z",
        "appointmentTypeId": "00000001-0197-82e3-8f22-029f62866244",
    }

    customer_id: UUID | None = None
    customer_token: CustomerToken | None = None
    """The token from the registration of this appointment's customer."""
    clinic_id: fields.ClinicNumber | None = None
    """If given, it must match the booking's clinic."""


class BookingRequest(TimeRequest, kw_only=True):
    """Appointments to book together, all or nothing: either a list, or a single appointment's members at the top
    level."""

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
    customer_token: CustomerToken | None = None
    """The token from the customer's registration."""
    appointments: Annotated[list[PartRequest], msgspec.Meta(min_length=1, max_length=20)] | None = None
    override: Override | None = None
    """Staff only. Applies to all appointments. Overriding hours requires a named doctor."""
    coupon: BookedCode | None = None
    """A coupon's code. Its discount is taken off the invoice for the first appointment that it is valid for."""

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
