"""A booking is the set of its appointments; versions and changes are theirs."""

from typing import Annotated
from uuid import UUID

import msgspec

from .. import errors, wire
from ..appointments.model import Appointment, check_when
from ..resources import Request


class Booking(msgspec.Struct, rename="camel"):
    booking_id: UUID
    clinic_id: int
    customer_id: UUID
    """Who it is for as a whole; an appointment may be for somebody else of the family."""
    appointments: list[Appointment]


class PartRequest(Request):
    """One appointment of a booking; without a customer of its own it is for the booking's."""

    customer_id: UUID | None = None
    doctor_id: UUID | None = None
    booking_slot_id: UUID | None = None
    start_time: wire.Instant | None = None
    end_time: wire.Instant | None = None
    appointment_type_id: UUID | None = None
    notes: wire.Text | None = None
    hold: bool = False

    def __post_init__(self) -> None:
        check_when(self)


class BookingRequest(Request):
    """Appointments to be made together, all or nothing: a list of them, or one whose members stand at the top."""

    clinic_id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    customer_id: UUID
    appointments: Annotated[list[PartRequest], msgspec.Meta(min_length=1, max_length=20)] | None = None
    doctor_id: UUID | None = None
    booking_slot_id: UUID | None = None
    start_time: wire.Instant | None = None
    end_time: wire.Instant | None = None
    appointment_type_id: UUID | None = None
    notes: wire.Text | None = None
    hold: bool = False

    def __post_init__(self) -> None:
        if self.appointments is None:
            check_when(self)
        elif self.start_time or self.booking_slot_id or self.end_time or self.doctor_id or self.appointment_type_id or self.hold or self.notes:
            raise errors.Invalid(errors.Fault("#/appointments", "says what is booked; leave out the members of a single appointment"))
