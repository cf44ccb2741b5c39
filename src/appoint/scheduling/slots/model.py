"""Booking slots: ranges in which a doctor can be booked."""

from datetime import date, datetime
from typing import ClassVar, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ...booking.model import Appointment
from ...kit import errors, fields
from ...kit.structs import PageQuery, RequestBody, Resource

MAX_RANGE_DAYS = 366
Source = Literal["schedule", "manual"]


class BookingSlot(Resource):
    """A range on one local date in which a doctor can be booked."""

    id: UUID
    clinic_id: int
    doctor_id: UUID
    start_time: datetime
    end_time: datetime
    date: date
    time_slot_id: UUID | None
    """The time slot that its hours were taken from."""
    source: Source
    """Whether the slot was generated from the weekly schedule or published manually."""
    active: bool
    removed_at: datetime | None
    customer_id: UUID | UnsetType | None = UNSET
    """The customer whose appointment takes up the whole slot. Visible only to the clinic."""
    appointments: list[Appointment] | UnsetType = UNSET
    """Live appointments in the slot. Visible only to the clinic."""

    def with_appointments(self, appointments: list[Appointment]) -> "BookingSlot":
        """Return the slot as the clinic sees it."""
        customer_ids = (
            appointment.customer_id
            for appointment in appointments
            if (appointment.start_time, appointment.end_time) == (self.start_time, self.end_time)
        )
        return msgspec.structs.replace(self, customer_id=next(customer_ids, None), appointments=appointments)


class LockedClinic(NamedTuple):
    """A clinic whose row is locked, with the columns that publishing needs."""

    time_zone: str
    active: bool
    horizon_days: int


class StoredSlot(NamedTuple):
    """A slot with a detail that API responses leave out."""

    slot: BookingSlot
    remnant: bool
    """Whether the slot is a remnant of withdrawn hours, kept for a single appointment."""


class BookingSlotContent(RequestBody):
    """A slot to publish manually. Times are on whole minutes."""

    doctor_id: UUID
    start_time: fields.Minute
    end_time: fields.Minute

    def __post_init__(self) -> None:
        fields.check_times(self.start_time, self.end_time)


class BookingSlotChange(RequestBody):
    """A new start and end for a slot, or a customer for whom to book the whole slot."""

    EXAMPLE: ClassVar = {"startTime": "2027-03-01T08:30:00Z", "endTime": "2027-03-01T11:00:00Z"}

    start_time: fields.Minute | None = None
    end_time: fields.Minute | None = None
    customer_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.customer_id:
            if self.start_time or self.end_time:
                raise errors.Invalid(errors.Fault("#/customerId", "does not fit this slot; change the slot first"))
        elif not (self.start_time and self.end_time):
            raise errors.Invalid(
                errors.Fault("#/startTime", "is required together with endTime unless customerId is given")
            )
        else:
            fields.check_times(self.start_time, self.end_time)


class BookingSlotFilter(PageQuery):
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """Defaults to today."""
    to: fields.Date | None = None
    """The last day. If omitted, the list has no end date."""
    status: Literal["free", "booked"] | None = None
    """`free`: without appointments; `booked`: with at least one."""

    def __post_init__(self) -> None:
        if self.from_ and self.to and self.to < self.from_:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))


class GenerationRequest(RequestBody):
    """The local dates (inclusive) for which to publish the weekly schedules."""

    clinic_id: fields.ClinicNumber
    from_: fields.Date = msgspec.field(name="from")
    to: fields.Date
    doctor_id: UUID | None = None
    """null for all the clinic's doctors."""

    def __post_init__(self) -> None:
        check_dates(self.from_, self.to)


class Generated(msgspec.Struct):
    created: int
    """The number of new booking slots."""
    skipped: int
    """How many times a schedule line did not produce a new slot on a date, because its time was already published, had
    been removed manually or was part of an absence."""


def check_dates(first: date, last: date) -> None:
    """Raise `Invalid` for `to` if the dates are out of order or too far apart."""
    if last < first:
        raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))
    if (last - first).days >= MAX_RANGE_DAYS:
        raise errors.Invalid(errors.Fault("#/to", "must span no more than {days} days", days=MAX_RANGE_DAYS))
