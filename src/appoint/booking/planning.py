"""Turn a booking command into appointments to write, without a database or a clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from ..clinics.audience import NO_FACTS, UNKNOWN, PatientFacts, accepting, unfitness
from ..clinics.catalogue.model import Catalogue
from ..kit import clock, errors
from ..kit.actors import Actor
from ..kit.money import Discount
from .assignment import Assignment
from .availability.model import OfferedTime, Terms
from .bounds import StrangerOrigin
from .half_days import HalfDay
from .policy import booking_violations
from .time_rules import AppointmentSpec, BookingLimits, Override, TimeRequest, buffers, catalogue_violation

Overrides = Mapping[int, tuple[str, ...]]
"""The rules to override, keyed by the request's position."""
NO_OVERRIDES: Final[Overrides] = {}

MAX_UNCONFIRMED_HOLD: Final = timedelta(minutes=10)
"""How long a stranger can hold a time. The message with the code states the same duration."""
PAYMENT_HOLD: Final = timedelta(minutes=35)
"""How long a hold lasts if it waits for a payment. Payment providers give payers at least 30 minutes."""


class IdempotencyKey(NamedTuple):
    """A request's identity: its caller, its key and a digest of its content."""

    caller: str
    key: str
    digest: bytes


class CustomerRequest(NamedTuple):
    customer_id: UUID
    time: TimeRequest
    half_day: HalfDay | None = None
    """When the appointment can start, if the request leaves the time to the clinic."""
    discount: Discount | None = None
    """What a coupon takes off the price."""


class BookingCommand(NamedTuple):
    """Appointments to book together at one clinic, all or nothing."""

    clinic_id: int
    requests: Sequence[CustomerRequest]
    actor: Actor
    hold_length: timedelta
    now: datetime
    booker_id: UUID | None = None
    idempotency: IdempotencyKey | None = None
    override: Override | None = None
    limits: BookingLimits | None = None
    origin: StrangerOrigin | None = None
    """Where a stranger's or a patient's request comes from. None for all other callers, or if there are no limits for
    strangers."""
    discreet: bool = False
    """Whether a refusal must not reveal anything about the customers' other appointments."""
    is_proven: bool = True
    """Whether the caller has signed in, or has proven that messages to the patient's address reach them. Otherwise, the
    clinic can require a code."""
    is_reachable: bool = False
    """Whether the caller has checked that a code can reach the booker's address."""

    @property
    def can_be_undone(self) -> bool:
        """Whether the booking is a step by the clinic's staff. Programs that act for the clinic cancel instead."""
        return self.actor.user_id is not None and self.actor.is_staff(self.clinic_id)

    def hold_expires_at(self, *, needs_code: bool, needs_payment: bool) -> datetime:
        if needs_payment:
            return self.now + max(self.hold_length, PAYMENT_HOLD)
        longest = MAX_UNCONFIRMED_HOLD if needs_code else self.hold_length
        return self.now + min(self.hold_length, longest)


class SlotTime(NamedTuple):
    """A booking slot's doctor and time."""

    doctor_id: UUID
    start: datetime
    end: datetime


class BookingPlan(NamedTuple):
    """The appointments to write, as planned from a catalogue at a given time."""

    catalogue: Catalogue
    specs: Sequence[AppointmentSpec]
    now: datetime
    override: Override | None = None
    booker_id: UUID | None = None
    limits: BookingLimits | None = None
    discreet: bool = False
    """Whether a refusal must not reveal anything about the customers' other appointments."""
    needs_code: bool = False
    """Whether the appointments are on hold until the booker enters the code that they receive."""
    origin: StrangerOrigin | None = None
    signed_in_id: UUID | None = None
    """The signed-in patient. The origin's limits apply only to new ones."""
    needs_payment: bool = False
    """Whether the appointments are on hold until the booker has paid. A payment replaces the code."""

    @property
    def violation(self) -> str | None:
        """The first catalogue rule that any of the appointments violates."""
        violations = (catalogue_violation(spec, self.catalogue, self.now) for spec in self.specs)
        return next(filter(None, violations), None)

    @property
    def half_day(self) -> HalfDay | None:
        return self.specs[0].half_day

    @property
    def step_seconds(self) -> int | None:
        """The step that all starts must be on, in seconds; None for any start."""
        step = self.specs[0].step
        return int(step.total_seconds()) if step else None

    @property
    def is_self_service(self) -> bool:
        """Whether a patient or stranger chose the times, rather than the clinic."""
        return self.step_seconds is not None

    @property
    def terms(self) -> Terms:
        return (Terms.of if self.specs[0].is_bound else Terms.for_staff)(self.catalogue, self.now)

    def at(self, time: OfferedTime) -> "BookingPlan":
        """Return the plan with this time for its only appointment, instead of any time in half a day."""
        (spec,) = self.specs
        spec = spec.at(time.start_time)
        doctor = self.catalogue.doctors[time.doctor_id]
        return self._replace(specs=[spec._replace(doctor_id=doctor.id, candidates=[doctor], half_day=None)])

    def with_doctors(self, doctors: Assignment) -> "BookingPlan":
        """Return the plan with these doctors as the only candidates, by request position."""
        specs = [
            spec._replace(candidates=[doctor for doctor in spec.candidates if doctor.id == doctors[spec.position]])
            if spec.position in doctors
            else spec
            for spec in self.specs
        ]
        return self._replace(specs=specs)


def plan_booking(
    command: BookingCommand,
    catalogue: Catalogue,
    overrides: Overrides,
    slots: Mapping[UUID, SlotTime],
    patients: Mapping[UUID, PatientFacts] = NO_FACTS,
) -> BookingPlan:
    """Resolve the requests to times and doctors. `slots` contains the booking slots that the requests name, and
    `patients` the facts that decide which patients a doctor sees.

    Raise `NotFound` for a doctor, type or slot that the clinic does not have.
    """
    is_self_service = not command.actor.acts_for(command.clinic_id)
    step = timedelta(minutes=catalogue.slot_step_minutes) if is_self_service else None
    specs = [
        _resolve(request, position, catalogue, slots, command.now)._replace(
            overrides=overrides.get(position, ()), step=step, needs_type=is_self_service
        )
        for position, request in enumerate(command.requests)
    ]
    is_staff = command.actor.is_staff(command.clinic_id)
    specs = [
        with_doctors_for(spec, catalogue, facts_about(request, patients), is_staff=is_staff)
        for spec, request in zip(specs, command.requests, strict=True)
    ]
    if is_staff:
        specs = [unbound(spec, catalogue, command.override, command.now) for spec in specs]
    for spec in specs:
        check_status(spec, catalogue, command.now)
    limits = command.limits
    needs_payment = not is_staff and any(
        spec.type and catalogue.deposit_for(spec.type.id, spec.type.price, request.discount)
        for spec, request in zip(specs, command.requests, strict=True)
    )
    needs_code = not needs_payment and not command.is_proven and catalogue.confirm_address == "always"
    if needs_code or needs_payment:
        specs = [spec._replace(hold=True) for spec in specs]
        # all appointments in a booking are held together
        limits = limits and limits._replace(holds=max(limits.holds, len(specs)))
    return BookingPlan(
        catalogue,
        specs,
        command.now,
        command.override,
        command.booker_id,
        limits,
        command.discreet,
        needs_code,
        # a booking with a verified address does not count as unconfirmed
        command.origin._replace(clinic_percent=None) if command.origin and command.is_proven else command.origin,
        command.actor.customer_id,
        needs_payment,
    )


def check_status(spec: AppointmentSpec, catalogue: Catalogue, now: datetime) -> None:
    """Raise a `not-started` `Conflict` for a patient who has arrived for an appointment on a later day."""
    zone = catalogue.time_zone
    if spec.status != "booked" and clock.local_date(spec.start, zone) > clock.local_date(now, zone):
        raise errors.Conflict("not-started")


def facts_about(request: CustomerRequest, patients: Mapping[UUID, PatientFacts]) -> PatientFacts:
    """Return the facts about a request's patient. If the clinic has no record of them, the request says whether they
    have been there before."""
    facts = patients.get(request.customer_id, UNKNOWN)
    return facts if facts.is_known else facts._replace(is_known=request.time.known_patient)


def with_doctors_for(
    spec: AppointmentSpec, catalogue: Catalogue, patient: PatientFacts, *, is_staff: bool
) -> AppointmentSpec:
    """Return the spec with only the doctors who see the patient as candidates. Staff can book any patient with any
    doctor that they name; if they name none and no candidate sees the patient, the candidates stay the same."""
    if not spec.candidates or (is_staff and spec.doctor_id):
        return spec
    day = clock.local_date(spec.start, catalogue.time_zone)
    doctors = accepting(spec.candidates, spec.type, patient, day, is_named=spec.doctor_id is not None)
    if doctors or is_staff:
        return spec._replace(candidates=doctors or spec.candidates, patient=patient)
    reasons = (unfitness(each, patient, day) for each in (*([spec.type] if spec.type else []), *spec.candidates))
    return spec._replace(candidates=[], patient=patient, unfit=next(filter(None, reasons), None))


def unbound(spec: AppointmentSpec, catalogue: Catalogue, override: Override | None, now: datetime) -> AppointmentSpec:
    """Return the spec exempted from the clinic's policy for patients. A rule that it does not follow is recorded as an
    override if staff gave a reason for it, and as an advisory otherwise."""
    broken = booking_violations(catalogue, spec.start, now)
    overridden = [rule for rule in broken if override and rule in override.allow]
    return spec._replace(
        is_bound=False,
        overrides=tuple(dict.fromkeys((*overridden, *spec.overrides))),
        advisories=tuple(rule for rule in broken if rule not in overridden),
    )


def _resolve(
    request: CustomerRequest, position: int, catalogue: Catalogue, slots: Mapping[UUID, SlotTime], now: datetime
) -> AppointmentSpec:
    customer_id, time, half_day, _ = request
    doctor_id, start, end = time.doctor_id, time.start_time, time.end_time
    if half_day:
        start = half_day.sample(catalogue, catalogue.earliest_start(now))
    if time.booking_slot_id:
        slot = slots.get(time.booking_slot_id)
        if slot is None or doctor_id not in (None, slot.doctor_id):
            raise errors.NotFound
        doctor_id, start, end = slot
    type_id = time.appointment_type_id
    type = catalogue.types.get(type_id) if type_id else None
    if (type_id and not type) or (doctor_id and doctor_id not in catalogue.doctors):
        raise errors.NotFound
    assert start, "checked by the request"
    end = end or start + timedelta(minutes=type.minutes if type else 0)
    before, after = buffers(type)
    return AppointmentSpec(
        position,
        customer_id,
        type,
        start,
        end,
        start - before,
        end + after,
        doctor_id,
        catalogue.doctors_for(type_id, doctor_id),
        time.notes,
        time.hold,
        time.status or "booked",
        half_day=half_day,
    )
