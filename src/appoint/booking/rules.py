"""A wish for an appointment, and the rules by which it can be refused: no database and no clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ..clinics.catalogue.model import Catalogue, CatalogueDoctor, CatalogueType, Length
from ..kit import clock, errors, fields
from ..kit.structs import RequestBody
from .availability.model import DoctorTime, OfferedTime, Range

REASONS: Final = (
    "in-the-past",
    "clinic-inactive",
    "doctor-inactive",
    "not-offered",
    "crosses-midnight",
    "too-soon",
    "too-far",
    "too-many-appointments",
    "too-many-holds",
    "outside-hours",
    "customer-busy",
    "taken",
)
"""Why a booking can be refused; of several the first is named."""


Rule = Literal["too-soon", "too-far", "outside-hours", "customer-busy", "too-late"]
"""Of a clinic's rules those that its staff may set aside. All others stand, whoever asks."""
Reason = Annotated[fields.Name, msgspec.Meta(examples=["In pain; Dr. Shah stays longer"])]


class Override(RequestBody):
    """Staff may set these rules aside where they are in the way, and say why."""

    EXAMPLE: ClassVar = {"allow": ["outside-hours", "too-soon"], "reason": "In pain; Dr. Shah stays longer"}

    allow: Annotated[list[Rule], msgspec.Meta(min_length=1, max_length=5)]
    reason: Reason


class WishRequest(RequestBody):
    """When (a whole booking slot, or a start with an appointment type or an end), and with whom: a doctor, or anyone of
    a clinic."""

    doctor_id: UUID | None = None
    booking_slot_id: UUID | None = None
    """All of this slot, instead of a start."""
    start_time: fields.Instant | None = None
    end_time: fields.Instant | None = None
    """Instead of `appointment_type_id`, which says how long it takes."""
    appointment_type_id: UUID | None = None
    notes: fields.Text | None = None
    hold: bool = False
    """Only hold the time, until it is confirmed or the hold expires."""

    def __post_init__(self) -> None:
        """Refuse a wish that says when twice, or not at all."""
        if self.booking_slot_id:
            if self.start_time or self.end_time:
                raise errors.Invalid(errors.Fault("#/startTime", "is already set by the booking slot"))
        elif self.start_time is None:
            raise errors.Invalid(errors.Fault("#/startTime", "is required unless bookingSlotId is given"))
        elif self.end_time is None and self.appointment_type_id is None:
            raise errors.Invalid(errors.Fault("#/endTime", "is required unless appointmentTypeId is given"))
        elif self.end_time and self.appointment_type_id:
            raise errors.Invalid(errors.Fault("#/endTime", "is already set by the appointment type"))
        elif self.end_time:
            fields.check_times(self.start_time, self.end_time)


class Wish(NamedTuple):
    """What somebody wants, resolved: `[start, end)` for the patient, `[claimed_from, claimed_until)` for the doctor,
    and the doctors who may do it."""

    position: int
    customer_id: UUID
    type: CatalogueType | None
    start: datetime
    end: datetime
    claimed_from: datetime
    claimed_until: datetime
    doctor_id: UUID | None
    """None: any of the candidates, as the clinic's rule chooses."""
    candidates: Sequence[CatalogueDoctor]
    notes: str | None
    hold: bool
    overridden: tuple[str, ...] = ()
    """The rules that are set aside for it."""

    @property
    def length(self) -> Length:
        return Length(
            int((self.end - self.start) / timedelta(minutes=1)),
            self.start - self.claimed_from,
            self.claimed_until - self.end,
        )


class Moving(NamedTuple):
    """An appointment that is to be moved, and so is not in its own way."""

    doctor_id: UUID
    start: datetime
    end: datetime
    claim: Range
    has_own_hours: bool
    """Whether something may be published for it alone."""


class Caps(NamedTuple):
    """How many appointments to come a customer can have at a clinic, and how many of them held; or how many there are."""

    appointments: int
    holds: int

    def after(self, wish: Wish) -> "Caps":
        return Caps(self.appointments + 1, self.holds + wish.hold)


def buffers(type: CatalogueType | None) -> tuple[timedelta, timedelta]:
    """The doctor's time before and after an appointment of the type."""
    return (
        (timedelta(minutes=type.buffer_before_minutes), timedelta(minutes=type.buffer_after_minutes))
        if type
        else (timedelta(), timedelta())
    )


def refusal_before_asking(wish: Wish, book: Catalogue, now: datetime) -> str | None:
    """The first reason, of those that the catalogue and the clock decide, why a wish cannot be booked."""
    doctor = book.doctors[wish.doctor_id] if wish.doctor_id else None
    if wish.start < now:
        return "in-the-past"
    if not book.active:
        return "clinic-inactive"
    if doctor and not doctor.active:
        return "doctor-inactive"
    if (wish.type and not wish.type.active) or not wish.candidates:
        return "not-offered"
    if clock.crosses_midnight(wish.start, wish.end, book.time_zone):
        return "crosses-midnight"
    if wish.start < book.earliest_start(now) and "too-soon" not in wish.overridden:
        return "too-soon"
    if clock.local_date(wish.start, book.time_zone) > book.last_date(now) and "too-far" not in wish.overridden:
        return "too-far"
    return None


def refusal_by_caps(wish: Wish, caps: Caps, has: Caps) -> str | None:
    """The first reason, of those that lie in how much the customer has already."""
    if has.appointments >= caps.appointments:
        return "too-many-appointments"
    if wish.hold and has.holds >= caps.holds:
        return "too-many-holds"
    return None


def refusal_by_ranges(wish: Wish, times: Sequence[DoctorTime], customers_time: Sequence[Range]) -> str | None:
    """The first reason, of those that hours and other appointments decide, why none of the candidates can take a wish."""
    open_doctors = [time for time in times if "outside-hours" in wish.overridden or covered(time, wish.start, wish.end)]
    if not open_doctors:
        return "outside-hours"
    if overlaps(customers_time, wish.start, wish.end) and "customer-busy" not in wish.overridden:
        return "customer-busy"
    if all(overlaps(time.claims, wish.claimed_from, wish.claimed_until) for time in open_doctors):
        return "taken"
    return None


def may_set_aside(wish: Wish, override: Override | None) -> frozenset[str]:
    """The rules that may be set aside for the wish: hours are a doctor's, so not without one."""
    allowed = frozenset[str](override.allow if override else ())
    return allowed if wish.doctor_id else allowed - {"outside-hours"}


def covered(time: DoctorTime, start: datetime, end: datetime) -> bool:
    """Whether published slots cover all of `[start, end)`, adjacent ones together."""
    for slot in time.slots:
        if slot.start <= start < slot.end:
            start = slot.end
        if start >= end:
            return True
    return False


def overlaps(ranges: Sequence[Range], start: datetime, end: datetime) -> bool:
    return any(lower < end and start < upper for lower, upper in ranges)


def without(ranges: Sequence[Range], gone: Range) -> list[Range]:
    """The ranges less one of them, which may have been merged with its neighbours."""
    start, end = gone
    pieces = chain.from_iterable(((lower, min(upper, start)), (max(lower, end), upper)) for lower, upper in ranges)
    return [(lower, upper) for lower, upper in pieces if lower < upper]


def with_claim(times: Sequence[DoctorTime], doctor_id: UUID, claim: Range) -> list[DoctorTime]:
    """The doctors' times once one of them has a further claim."""
    return [
        time._replace(claims=sorted([*time.claims, claim])) if time.doctor_id == doctor_id else time for time in times
    ]


class Alternative(msgspec.Struct, rename="camel"):
    start_time: datetime
    end_time: datetime
    doctor_id: UUID


def alternatives(offers: Sequence[OfferedTime]) -> list[Alternative]:
    return [Alternative(offer.start_time, offer.end_time, offer.doctor_id) for offer in offers]
