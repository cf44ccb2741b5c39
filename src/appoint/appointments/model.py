"""What an appointment is, and the rules that need no database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from .. import clock, errors, ids, wire
from ..availability.model import DoctorTime, OfferedTime, Range
from ..catalogue.model import Catalogue, CatalogueDoctor, CatalogueType, Length
from ..money import Money
from ..resources import PageQuery, Request, Resource


class Status(StrEnum):
    """FHIR R4 AppointmentStatus, those a clinic uses."""

    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    CHECKED_IN = "checked-in"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"


LIVE: Final = frozenset(Status) - {Status.CANCELLED, Status.NOSHOW}
"""In these an appointment takes the doctor's and the customer's time."""

MOVES: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.BOOKED, Status.CANCELLED}),
    Status.BOOKED: frozenset({Status.ARRIVED, Status.CHECKED_IN, Status.CANCELLED, Status.NOSHOW}),
    Status.ARRIVED: frozenset({Status.CHECKED_IN, Status.FULFILLED, Status.CANCELLED, Status.BOOKED}),
    Status.CHECKED_IN: frozenset({Status.FULFILLED, Status.CANCELLED}),
    Status.NOSHOW: frozenset({Status.ARRIVED}),
    Status.FULFILLED: frozenset(),
    Status.CANCELLED: frozenset(),
}
"""Which status may follow which: the only table of it."""


class Step(NamedTuple):
    """A step of the day: from which statuses it leads where, and what the fact is called."""

    sources: frozenset[Status]
    target: Status
    event: str


STEPS: Final[Mapping[str, Step]] = {
    "confirm": Step(frozenset({Status.PENDING}), Status.BOOKED, "appointment.booked"),
    "arrive": Step(frozenset({Status.BOOKED, Status.NOSHOW}), Status.ARRIVED, "appointment.arrived"),
    "unarrive": Step(frozenset({Status.ARRIVED}), Status.BOOKED, "appointment.unarrived"),
    "checkIn": Step(frozenset({Status.BOOKED, Status.ARRIVED}), Status.CHECKED_IN, "appointment.checked-in"),
    "fulfil": Step(frozenset({Status.ARRIVED, Status.CHECKED_IN}), Status.FULFILLED, "appointment.fulfilled"),
    "noShow": Step(frozenset({Status.BOOKED}), Status.NOSHOW, "appointment.missed"),
    "cancel": Step(frozenset({Status.PENDING, Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN}), Status.CANCELLED, "appointment.cancelled"),
}

REASONS: Final = (
    "in-the-past", "clinic-inactive", "doctor-inactive", "not-offered", "crosses-midnight", "too-soon", "too-far",
    "too-many-appointments", "too-many-holds", "outside-hours", "customer-busy", "taken",
)  # fmt: skip
"""Why a booking can be refused; of several the first is named."""


Rule = Literal["too-soon", "too-far", "outside-hours", "customer-busy", "too-late"]
"""Of a clinic's rules those that its staff may set aside. All others stand, whoever asks."""
Reason = Annotated[wire.Name, msgspec.Meta(examples=["In pain; Dr. Shah stays longer"])]


class Appointment(Resource):
    id: UUID
    booking_id: UUID
    clinic_id: int
    doctor_id: UUID
    customer_id: UUID
    appointment_type_id: UUID | None
    start_time: datetime
    end_time: datetime
    time_zone: str
    status: Status
    hold_expires_at: datetime | None
    cancel_reason: str | None
    needs_rebooking: bool
    """It stands outside the doctor's hours since an absence or a change of schedule kept it."""
    price: Money | None
    notes: str | None
    overrides: list[Rule]
    """The rules that staff set aside for it."""
    override_reason: str | None
    """Why; shown to staff alone."""
    manage_token: Annotated[str, msgspec.Meta(examples=["apm_AAAAAQGXgYwMIgIB-WYVCA.GJ3EGXa0tZ8ySSUf3PCLX9zVn4g"])] | UnsetType = UNSET
    """Sent as bearer, it lets whoever has it see and move this one appointment; it is also the end of the address of a page for people,
    `/appointments/{manageToken}`. Only in the answer to who books, also when they repeat the request."""


class Override(Request):
    """Staff may set these rules aside where they are in the way, and say why."""

    EXAMPLE: ClassVar = {"allow": ["outside-hours", "too-soon"], "reason": "In pain; Dr. Shah stays longer"}

    allow: Annotated[list[Rule], msgspec.Meta(min_length=1, max_length=5)]
    reason: Reason


class WishRequest(Request):
    """When (a whole booking slot, or a start with an appointment type or an end), and with whom: a doctor, or anyone of a clinic."""

    doctor_id: UUID | None = None
    booking_slot_id: UUID | None = None
    """All of this slot, instead of a start."""
    start_time: wire.Instant | None = None
    end_time: wire.Instant | None = None
    """Instead of `appointment_type_id`, which says how long it takes."""
    appointment_type_id: UUID | None = None
    notes: wire.Text | None = None
    hold: bool = False
    """Only hold the time, until it is confirmed or the hold expires."""

    def __post_init__(self) -> None:
        """Refuse a wish that says when twice, or not at all."""
        if self.booking_slot_id:
            if self.start_time or self.end_time:
                raise errors.Invalid(errors.Fault("#/startTime", "is said by the booking slot already"))
        elif self.start_time is None:
            raise errors.Invalid(errors.Fault("#/startTime", "is needed, or bookingSlotId"))
        elif self.end_time is None and self.appointment_type_id is None:
            raise errors.Invalid(errors.Fault("#/endTime", "is needed, or appointmentTypeId"))
        elif self.end_time and self.appointment_type_id:
            raise errors.Invalid(errors.Fault("#/endTime", "is said by the appointment type already"))
        elif self.end_time:
            wire.check_times(self.start_time, self.end_time)


class AppointmentRequest(WishRequest, kw_only=True):
    """A wish for one appointment of a customer."""

    EXAMPLE: ClassVar = {
        "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d",
        "startTime": "2027-03-01T08:30:00Z",
        "appointmentTypeId": "00000001-0197-82e3-8f22-029f62866244",
    }

    customer_id: UUID
    clinic_id: wire.ClinicNumber | None = None
    """Without `doctor_id`: whoever is free there, chosen by the clinic's policy."""
    override: Override | None = None
    """Only for staff. Hours can be set aside for a doctor who is named."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.doctor_id or self.clinic_id or self.booking_slot_id):
            raise errors.Invalid(errors.Fault("#/doctorId", "is needed, or clinicId for any doctor"))

    @property
    def where(self) -> int:
        """The clinic, as the wish names it or as its ids tell."""
        named = self.doctor_id or self.booking_slot_id
        return self.clinic_id or (ids.clinic_of(named) if named else ids.PLATFORM)


class RescheduleRequest(Request):
    """Another time, of the same length when no end is given; with the same doctor when none is."""

    EXAMPLE: ClassVar = {"startTime": "2027-03-01T08:30:00Z", "endTime": "2027-03-01T09:00:00Z", "doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d"}

    start_time: wire.Instant
    end_time: wire.Instant | None = None
    doctor_id: UUID | None = None
    override: Override | None = None
    """Only for staff."""

    def __post_init__(self) -> None:
        if self.end_time:
            wire.check_times(self.start_time, self.end_time)


class AppointmentPatch(Request):
    notes: wire.Text | None | UnsetType = UNSET


class Cancellation(Request):
    reason: wire.ShortText | None = None
    """Kept with the appointment."""
    override: Literal["too-late"] | None = None
    """Only for staff: cancel although the clinic's notice has begun."""
    override_reason: Reason | None = None
    """Why."""

    def __post_init__(self) -> None:
        if bool(self.override) != bool(self.override_reason):
            missing, there = ("override", "overrideReason") if self.override_reason else ("overrideReason", "override")
            raise errors.Invalid(errors.Fault(f"#/{missing}", "is needed together with {other}", other=there))


class AppointmentFilter(PageQuery):
    from_: wire.Date | None = msgspec.field(default=None, name="from")
    """The first day."""
    to: wire.Date | None = None
    """The last day."""
    doctor_id: UUID | None = None
    """Only this doctor's."""
    customer_id: UUID | None = None
    """Only this customer's."""
    status: Status | None = None
    """Only those in this status."""

    def __post_init__(self) -> None:
        if self.from_ and self.to and self.to < self.from_:
            raise errors.Invalid(errors.Fault("#/to", "must not be before from"))


class Wish(NamedTuple):
    """What somebody wants, resolved: `[start, end)` for the patient, `[claimed_from, claimed_until)` for the doctor, and the doctors who may do it."""

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
        return Length(int((self.end - self.start) / timedelta(minutes=1)), self.start - self.claimed_from, self.claimed_until - self.end)


class Caps(NamedTuple):
    """How many appointments to come a customer can have at a clinic, and how many of them held; or how many there are."""

    appointments: int
    holds: int

    def after(self, wish: Wish) -> "Caps":
        return Caps(self.appointments + 1, self.holds + wish.hold)


def buffers(type: CatalogueType | None) -> tuple[timedelta, timedelta]:
    """The doctor's time before and after an appointment of the type."""
    return (timedelta(minutes=type.buffer_before_minutes), timedelta(minutes=type.buffer_after_minutes)) if type else (timedelta(), timedelta())


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


def is_late(appointment: Appointment, book: Catalogue, now: datetime) -> bool:
    """Whether it is too late to cancel or move it. What is only held can always be, and so can what the clinic itself has to move."""
    binds = book.cancel_notice_minutes > 0 and appointment.status != Status.PENDING and not appointment.needs_rebooking
    return binds and now > book.last_change(appointment.start_time)


def for_the_record(overridden: Iterable[str]) -> str | None:
    """Why something could be done, as the audit has it: the rules that were set aside, and not why, where people may be named."""
    rules = ", ".join(dict.fromkeys(overridden))
    return f"override: {rules}" if rules else None


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
    return [time._replace(claims=sorted([*time.claims, claim])) if time.doctor_id == doctor_id else time for time in times]


class Alternative(msgspec.Struct, rename="camel"):
    start_time: datetime
    end_time: datetime
    doctor_id: UUID


def alternatives(offers: Sequence[OfferedTime]) -> list[Alternative]:
    return [Alternative(offer.start_time, offer.end_time, offer.doctor_id) for offer in offers]
