"""Booking slots: ranges in which a doctor can be booked."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ...booking.model import Appointment
from ...kit import errors, fields
from ...kit.structs import PageQuery, RequestBody, Resource

LONGEST_DAYS = 366
Source = Literal["schedule", "manual"]


class BookingSlot(Resource):
    """A range of one local date in which a doctor can be booked."""

    id: UUID
    clinic_id: int
    doctor_id: UUID
    start_time: datetime
    end_time: datetime
    date: date
    time_slot_id: UUID | None
    """The time slot that its hours were taken from."""
    source: Source
    """Whether the weekly schedule gave it, or somebody by hand."""
    active: bool
    removed_at: datetime | None
    customer_id: UUID | UnsetType | None = UNSET
    """Who holds the whole slot; shown to the clinic only."""
    appointments: list[Appointment] | UnsetType = UNSET
    """The live ones on it; shown to the clinic only."""

    def with_appointments(self, appointments: list[Appointment]) -> "BookingSlot":
        """The slot as the clinic sees it."""
        whole = (
            each.customer_id
            for each in appointments
            if (each.start_time, each.end_time) == (self.start_time, self.end_time)
        )
        return msgspec.structs.replace(self, customer_id=next(whole, None), appointments=appointments)


class BookingSlotContent(RequestBody):
    """A slot to be published by hand."""

    doctor_id: UUID
    start_time: fields.Instant
    end_time: fields.Instant

    def __post_init__(self) -> None:
        fields.check_times(self.start_time, self.end_time)


class BookingSlotChange(RequestBody):
    """Other bounds for a slot, or a customer who takes the whole of it."""

    EXAMPLE: ClassVar = {"startTime": "2027-03-01T08:30:00Z", "endTime": "2027-03-01T11:00:00Z"}

    start_time: fields.Instant | None = None
    end_time: fields.Instant | None = None
    customer_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.customer_id:
            if self.start_time or self.end_time:
                raise errors.Invalid(errors.Fault("#/customerId", "does not fit this slot; change the slot first"))
        elif not (self.start_time and self.end_time):
            raise errors.Invalid(
                errors.Fault("#/startTime", "is required together with endTime, or send customerId instead")
            )
        else:
            fields.check_times(self.start_time, self.end_time)


class BookingSlotFilter(PageQuery):
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """Today, when left out."""
    to: fields.Date | None = None
    """The last day; without it there is no end."""
    status: Literal["free", "booked"] | None = None
    """free: nothing in it is taken; booked: something is."""

    def __post_init__(self) -> None:
        if self.from_ and self.to and self.to < self.from_:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))


class GenerationRequest(RequestBody):
    """Local dates, both inclusive, for which the weekly schedules are to be published."""

    clinic_id: fields.ClinicNumber
    from_: fields.Date = msgspec.field(name="from")
    to: fields.Date
    doctor_id: UUID | None = None
    """None: all of the clinic."""

    def __post_init__(self) -> None:
        check_dates(self.from_, self.to)


class Generated(msgspec.Struct):
    created: int
    """How many booking slots are new."""
    skipped: int
    """How many lines of a day's schedule gave nothing: published already, removed by hand, or an absence."""


def check_dates(first: date, last: date) -> None:
    """Raises `Invalid` at `to`."""
    if last < first:
        raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))
    if (last - first).days >= LONGEST_DAYS:
        raise errors.Invalid(errors.Fault("#/to", "must span no more than {days} days", days=LONGEST_DAYS))
