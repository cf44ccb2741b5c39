"""Check requested times against the booking rules, without a database or a clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ..clinics.audience import UNKNOWN, PatientFacts, Unfit
from ..clinics.catalogue.model import Catalogue, CatalogueDoctor, CatalogueType, Length
from ..kit import clock, errors, fields
from ..kit.structs import RequestBody
from .availability.model import DoctorTime, Range
from .half_days import HalfDay
from .policy import PolicyRule, booking_violations

BookedCode = Annotated[
    str, msgspec.Meta(max_length=60, pattern=r"\S", description="not case-sensitive", examples=["SPRING"])
]
REASONS: Final = (
    "in-the-past",
    "clinic-inactive",
    "doctor-inactive",
    "type-required",
    "not-offered",
    "age-not-accepted",
    "patient-not-accepted",
    "crosses-midnight",
    "too-soon",
    "too-far",
    "too-many-appointments",
    "too-many-holds",
    "too-many-bookings",
    "outside-hours",
    "start-not-offered",
    "customer-busy",
    "taken",
    "address-required",
)
"""The reasons for refusing a booking. If several apply, the response gives the first."""

PATIENT_FREE: Final = ("customer_free", "person_free")
"""The constraints that keep patients from having two appointments at the same time: within one record, and across the
records that a clinic has joined."""

Rule = Literal["too-soon", "too-far", "outside-hours", "customer-busy", "too-late", "in-the-past"]
"""The rules that a clinic's staff may override. The clinic's policy for patients does not apply to them anyway."""
Reason = Annotated[fields.Name, msgspec.Meta(examples=["In pain; Dr. Shah stays longer"])]


FirstStatus = Literal["booked", "arrived", "checked-in", "fulfilled"]
MAX_BACKDATING: Final = timedelta(days=31)
"""How long afterwards staff can record a visit if they give a reason. They can record today's visits without one."""


class Override(RequestBody):
    """The rules that staff override if an appointment violates them, and the reason."""

    EXAMPLE: ClassVar = {"allow": ["outside-hours", "too-soon"], "reason": "In pain; Dr. Shah stays longer"}

    allow: Annotated[list[Rule], msgspec.Meta(min_length=1, max_length=6)]
    reason: Reason


class TimeRequest(RequestBody):
    """A requested time and doctor. The time is either a whole booking slot, or a start with an appointment type or an
    end, on whole minutes. If no doctor is named, any of the clinic's doctors can take the appointment."""

    doctor_id: UUID | None = None
    booking_slot_id: UUID | None = None
    """Book this whole slot instead of giving a start time."""
    start_time: fields.Minute | None = None
    end_time: fields.Minute | None = None
    """An alternative to `appointment_type_id`, which otherwise determines the length."""
    appointment_type_id: UUID | None = None
    notes: fields.Text | None = None
    hold: bool = False
    """Hold the time until the appointment is confirmed or the hold expires."""
    status: FirstStatus | UnsetType = UNSET
    """Staff only: the status of a patient who came without an appointment, today or earlier. The default is `booked`.
    """
    known_patient: bool | None = None
    """Whether the patient says that they have been to the clinic before. This matters only for doctors and types that
    are for new or for known patients, and only if the clinic has no record of the patient."""

    def __post_init__(self) -> None:
        """Raise `Invalid` unless the request gives exactly one time."""
        if self.hold and self.status is not UNSET:
            raise errors.Invalid(errors.Fault("#/status", "cannot be combined with “hold”"))
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


class AppointmentSpec(NamedTuple):
    """A requested appointment with its times, `[start, end)` for the patient and `[claimed_from, claimed_until)` for
    the doctor, and the doctors who can take it."""

    position: int
    customer_id: UUID
    type: CatalogueType | None
    start: datetime
    end: datetime
    claimed_from: datetime
    claimed_until: datetime
    doctor_id: UUID | None
    """If None, the clinic's rule chooses one of the candidates."""
    candidates: Sequence[CatalogueDoctor]
    notes: str | None
    hold: bool
    status: FirstStatus = "booked"
    """The appointment's first status, unless the time is only on hold."""
    overrides: tuple[str, ...] = ()
    """The rules overridden for this appointment."""
    step: timedelta | None = None
    """The clinic's step for patients and strangers, who can only choose offered starts; None for callers who act for
    the clinic."""
    advisories: tuple[PolicyRule, ...] = ()
    """The rules for patients that the appointment does not follow, because staff are booking it."""
    is_bound: bool = True
    """Whether the clinic's policy for patients applies."""
    needs_type: bool = False
    """Whether an appointment type must determine the length, if the clinic has any types."""
    patient: PatientFacts = UNKNOWN
    unfit: Unfit | None = None
    """Why the patient cannot see any of the doctors who offer the type."""
    half_day: HalfDay | None = None
    """If not None, the appointment can start at any offered time in it, and the times above are only a sample."""

    def at(self, start: datetime) -> "AppointmentSpec":
        """Return the spec with a different start and the same length."""
        shift = start - self.start
        return self._replace(
            start=start,
            end=self.end + shift,
            claimed_from=self.claimed_from + shift,
            claimed_until=self.claimed_until + shift,
        )

    @property
    def length(self) -> Length:
        return Length(
            int((self.end - self.start) / timedelta(minutes=1)),
            self.start - self.claimed_from,
            self.claimed_until - self.end,
        )


class CurrentTime(NamedTuple):
    """The time of an appointment that is being moved, which must not conflict with itself."""

    doctor_id: UUID
    start: datetime
    end: datetime
    claim: Range


class BookingLimits(NamedTuple):
    """How many upcoming appointments and holds a customer has, or may have, at a clinic."""

    appointments: int
    holds: int

    def after(self, spec: AppointmentSpec) -> "BookingLimits":
        return BookingLimits(self.appointments + 1, self.holds + spec.hold)


def in_turn(specs: Sequence[AppointmentSpec]) -> list[AppointmentSpec]:
    """Return the specs in the order in which they choose their doctors: those with the fewest candidates first, so that
    no other spec takes their only doctor."""
    return sorted(specs, key=lambda spec: (len(spec.candidates), spec.position))


def buffers(type: CatalogueType | None) -> tuple[timedelta, timedelta]:
    """Return the buffers that the doctor needs before and after an appointment of this type."""
    return (
        (timedelta(minutes=type.buffer_before_minutes), timedelta(minutes=type.buffer_after_minutes))
        if type
        else (timedelta(), timedelta())
    )


def catalogue_violation(spec: AppointmentSpec, catalogue: Catalogue, now: datetime) -> str | None:
    """Return the first rule that the appointment violates, given the catalogue and the current time."""
    doctor = catalogue.doctors[spec.doctor_id] if spec.doctor_id else None
    if is_past(spec, catalogue, now):
        return "in-the-past"
    if not catalogue.active:
        return "clinic-inactive"
    if doctor and not doctor.active:
        return "doctor-inactive"
    if lacks_type(spec, catalogue):
        return "type-required"
    if (spec.type and not spec.type.active) or not spec.candidates:
        return spec.unfit or "not-offered"
    if clock.crosses_midnight(spec.start, spec.end, catalogue.time_zone):
        return "crosses-midnight"
    broken = booking_violations(catalogue, spec.start, now) if spec.is_bound else ()
    return next((rule for rule in broken if rule not in spec.overrides), None)


def is_past(spec: AppointmentSpec, catalogue: Catalogue, now: datetime) -> bool:
    """Return whether it is too late to book the time. Staff can still book today's times and, with a reason, earlier
    ones."""
    if spec.start >= now or spec.is_bound:
        return spec.start < now
    days_ago = clock.local_date(now, catalogue.time_zone) - clock.local_date(spec.start, catalogue.time_zone)
    return days_ago > (MAX_BACKDATING if "in-the-past" in spec.overrides else timedelta())


def lacks_type(spec: AppointmentSpec, catalogue: Catalogue) -> bool:
    """Return whether a patient or a stranger chose the length, even though the clinic's types determine it."""
    if not (spec.needs_type and catalogue.has_bookable_types):
        return False
    return spec.type is None or spec.length.minutes != spec.type.minutes


def limit_violation(spec: AppointmentSpec, limits: BookingLimits, upcoming: BookingLimits) -> str | None:
    """Return the first limit that the customer has already reached."""
    if upcoming.appointments >= limits.appointments:
        return "too-many-appointments"
    if spec.hold and upcoming.holds >= limits.holds:
        return "too-many-holds"
    return None


def time_violation(spec: AppointmentSpec, times: Sequence[DoctorTime], customers_time: Sequence[Range]) -> str | None:
    """Return the first rule about hours or other appointments that rules out all candidates."""
    open_doctors = [time for time in times if "outside-hours" in spec.overrides or covers(time, spec.start, spec.end)]
    if not open_doctors:
        return "outside-hours"
    open_doctors = [time for time in open_doctors if spec.step is None or offers_start(time, spec.start, spec.step)]
    if not open_doctors:
        return "start-not-offered"
    if overlaps(customers_time, spec.start, spec.end) and "customer-busy" not in spec.overrides:
        return "customer-busy"
    if all(overlaps(time.claims, spec.claimed_from, spec.claimed_until) for time in open_doctors):
        return "taken"
    return None


def overridable_rules(spec: AppointmentSpec, override: Override | None) -> frozenset[str]:
    """Return the rules that may be overridden for the appointment. Hours can be overridden only for a named doctor."""
    allowed = frozenset[str](override.allow if override else ())
    return allowed if spec.doctor_id else allowed - {"outside-hours"}


def covers(time: DoctorTime, start: datetime, end: datetime) -> bool:
    """Return whether published slots, with adjacent ones joined, cover all of `[start, end)`."""
    for slot in time.slots:
        if slot.start <= start < slot.end:
            start = slot.end
        if start >= end:
            return True
    return False


def offers_start(time: DoctorTime, start: datetime, step: timedelta) -> bool:
    """Return whether the time is a whole number of steps after the start of the slot that it is in."""
    return any(slot.start <= start < slot.end and not (start - slot.start) % step for slot in time.slots)


def overlaps(ranges: Sequence[Range], start: datetime, end: datetime) -> bool:
    return any(lower < end and start < upper for lower, upper in ranges)


def without(ranges: Sequence[Range], excluded: Range) -> list[Range]:
    """Return the ranges without the excluded one, which may have been merged with its neighbours."""
    start, end = excluded
    pieces = chain.from_iterable(((lower, min(upper, start)), (max(lower, end), upper)) for lower, upper in ranges)
    return [(lower, upper) for lower, upper in pieces if lower < upper]


def with_claim(times: Sequence[DoctorTime], doctor_id: UUID, claim: Range) -> list[DoctorTime]:
    """Return the doctors' times after adding a claim to one of them."""
    return [
        time._replace(claims=sorted([*time.claims, claim])) if time.doctor_id == doctor_id else time for time in times
    ]
