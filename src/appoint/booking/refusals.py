"""Explain why a plan could not be written."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from ..clinics.audience import accepting
from ..clinics.catalogue.model import CatalogueDoctor
from ..database.pool import Statements
from ..kit import clock, errors
from . import repository
from .alternatives import find_alternatives, with_doctors_taken
from .assignment import Assignment, assign
from .availability import service as availability
from .availability.model import DoctorTime, Range
from .planning import NO_OVERRIDES, BookingPlan, Overrides
from .time_rules import (
    AppointmentSpec,
    BookingLimits,
    CurrentTime,
    catalogue_violation,
    limit_violation,
    overridable_rules,
    time_violation,
    with_claim,
    without,
)

ALTERNATIVES_RADIUS: Final = timedelta(days=8)
"""How far before and after a date to look for alternatives: a week, plus a day's margin for time zones."""


class Refused(NamedTuple):
    conflict: errors.Conflict


class Overridable(NamedTuple):
    """The plan can be written if these rules are overridden. If there are none, it can be written as it is.

    If the plan has several appointments, `doctors` contains a doctor for each. If the clinic's rule chose a doctor for
    each appointment separately, one could take another's only doctor.
    """

    rules: Overrides
    doctors: Assignment = {}


class StaleCatalogue(NamedTuple):
    """The catalogue is older than the database, so it cannot explain the refusal."""


Explanation = Refused | Overridable | StaleCatalogue
"""Why a plan could not be written."""


class CustomerSchedule(NamedTuple):
    """A customer's appointment times and number of upcoming appointments at the clinic, before a new one."""

    busy: list[Range]
    upcoming: BookingLimits


class CustomerTime(NamedTuple):
    """Each customer's appointment times and number of upcoming appointments at the clinic."""

    busy: dict[UUID, list[Range]]
    upcoming: dict[UUID, BookingLimits]

    def before(self, spec: AppointmentSpec, specs: Sequence[AppointmentSpec]) -> CustomerSchedule:
        """Return the customer's time before the given spec, including the specs listed earlier."""
        busy = list(self.busy[spec.customer_id])
        upcoming = self.upcoming.get(spec.customer_id, BookingLimits(0, 0))
        for earlier in specs:
            if earlier.customer_id == spec.customer_id and earlier.position < spec.position:
                busy.append((earlier.start, earlier.end))
                upcoming = upcoming.after(earlier)
        return CustomerSchedule(busy, upcoming)

    def besides(self, spec: AppointmentSpec, specs: Sequence[AppointmentSpec]) -> list[Range]:
        """Return the times when the given spec's customer is busy, including all other specs."""
        others = (other for other in specs if other.customer_id == spec.customer_id and other != spec)
        return [*self.busy[spec.customer_id], *((other.start, other.end) for other in others)]


class Judgement(NamedTuple):
    """An appointment's spec, including the rules to override, and the remaining violation."""

    spec: AppointmentSpec
    violation: str | None
    is_limit: bool


def next_overrides(explanation: Explanation) -> Overrides:
    """Return the rules to override in the next attempt. If the plan was refused, raise the conflict."""
    if isinstance(explanation, Refused):
        raise explanation.conflict
    return explanation.rules if isinstance(explanation, Overridable) else NO_OVERRIDES


async def explain_refusal(db: Statements, plan: BookingPlan, *, current: CurrentTime | None = None) -> Explanation:
    """Return why a plan could not be written: the first rule that blocks the first refused appointment.

    An appointment is refused if it cannot be booked together with those before it, whichever doctors they are given.
    `current` is the time of the appointment being moved, which must not conflict with itself. Raise `NotFound` for an
    unknown customer.
    """
    if plan.violation is None and (limit := await repository.exceeded_stranger_bound(db, plan)):
        conflict = errors.Conflict("too-many-bookings", alternatives=[], limit=limit)
        return Refused(conflict)  # before the costly queries
    customers = await load_customer_time(db, plan, current)
    plan = plan._replace(discreet=plan.discreet or await is_joined(db, plan))
    if plan.needs_code and (refusal := await refuse_unreachable(db, plan)):
        return refusal
    own_slots = await _own_slots(db, plan, current)
    overrides: dict[int, tuple[str, ...]] = {}
    takers: dict[int, list[UUID]] = {}
    doctors: Assignment = {}
    for number, spec in enumerate(plan.specs, 1):
        times = await availability.load_around(db, plan.catalogue, doctors=_doctors(plan, spec), day=_day(plan, spec))
        if times is None:
            return StaleCatalogue()
        times = _without_current(times, current, own_slots)
        before = customers.before(spec, plan.specs)
        judgement = _judge(plan, spec, times, before.busy, before.upcoming)
        overrides[spec.position] = judgement.spec.overrides
        takers[spec.position] = [
            time.doctor_id for time in times if time_violation(judgement.spec, [time], before.busy) is None
        ]
        together = assign(plan.specs[:number], takers) if judgement.violation is None else None
        if together is None:
            refusal = judgement._replace(violation=judgement.violation or "taken")
            return Refused(
                _conflict(
                    plan,
                    refusal,
                    _after_others(plan, spec, times, doctors),
                    customers.besides(spec, plan.specs),
                    current,
                )
            )
        doctors = together
    return Overridable(overrides, doctors)


def _after_others(
    plan: BookingPlan, spec: AppointmentSpec, times: Sequence[DoctorTime], doctors: Assignment
) -> list[DoctorTime]:
    """Return the doctors' times without those that the plan's other appointments claim, as far as their doctors are
    known."""
    for other in plan.specs:
        doctor_id = other.doctor_id or doctors.get(other.position)
        if other != spec and doctor_id:
            times = with_claim(times, doctor_id, (other.claimed_from, other.claimed_until))
    return list(times)


async def refuse_unreachable(db: Statements, plan: BookingPlan) -> Refused | None:
    """Refuse an appointment if its confirmation would not go to the same address as the code."""
    positions = await repository.list_unreachable(
        db,
        customer_ids=[spec.customer_id for spec in plan.specs],
        booker_ids=[plan.booker_id or spec.customer_id for spec in plan.specs],
    )
    if not positions:
        return None
    index = {"index": positions[0]} if len(plan.specs) > 1 else {}
    return Refused(errors.Conflict("address-required", alternatives=[], **index))


async def is_joined(db: Statements, plan: BookingPlan) -> bool:
    """Return whether patients or strangers are booking for someone whose records staff have joined. Staff can be wrong
    about who is the same person, so a refusal must not reveal one record's appointments to another's owner."""
    ids = [spec.customer_id for spec in plan.specs]
    clinic_id = plan.catalogue.clinic_id
    return plan.is_self_service and await repository.has_joined(db, clinic_id=clinic_id, customer_ids=ids)


async def load_customer_time(db: Statements, plan: BookingPlan, current: CurrentTime | None = None) -> CustomerTime:
    """Return the time of all customers in a plan. Raise `NotFound` for an unknown customer."""
    clinic_id = plan.catalogue.clinic_id
    days = [datetime.combine(_day(plan, spec), time(), UTC) for spec in plan.specs]
    first, last = min(*days, *(spec.start for spec in plan.specs)), max(*days, *(spec.end for spec in plan.specs))
    ids = list({spec.customer_id for spec in plan.specs} | ({plan.booker_id} if plan.booker_id else set()))
    busy = await repository.find_busy_times(
        db, clinic_id=clinic_id, customer_ids=ids, start=first - ALTERNATIVES_RADIUS, end=last + ALTERNATIVES_RADIUS
    )
    if len(busy) < len(ids):
        raise errors.NotFound
    if current:
        busy = {id: without(ranges, (current.start, current.end)) for id, ranges in busy.items()}
    upcoming = (
        await repository.count_upcoming(db, clinic_id=clinic_id, customer_ids=ids, now=plan.now) if plan.limits else {}
    )
    return CustomerTime(busy, upcoming)


async def _own_slots(db: Statements, plan: BookingPlan, current: CurrentTime | None) -> list[UUID]:
    """Return the slots that exist only for the appointment being moved."""
    (spec, *_) = plan.specs
    if current is None or current[:3] == (spec.doctor_id, spec.start, spec.end):
        return []
    return await repository.find_remnants(
        db, clinic_id=plan.catalogue.clinic_id, doctor_id=current.doctor_id, start=current.start, end=current.end
    )


def _doctors(plan: BookingPlan, spec: AppointmentSpec) -> Sequence[CatalogueDoctor]:
    """Return the doctors who could take the appointment or, if there are none, those to suggest instead."""
    catalogue = plan.catalogue
    if not catalogue.active:
        return []
    if spec.candidates:
        return spec.candidates
    requested = catalogue.doctors[spec.doctor_id] if spec.doctor_id else None
    others = (doctor for doctor in catalogue.doctors_for(spec.type and spec.type.id) if doctor != requested)
    return accepting(others, spec.type, spec.patient, _day(plan, spec), is_named=False)


def _day(plan: BookingPlan, spec: AppointmentSpec) -> date:
    """Return the date around which to look for alternatives."""
    zone = plan.catalogue.time_zone
    day = clock.local_date(spec.start, zone)
    if not spec.is_bound:
        return day
    return min(max(day, clock.local_date(plan.now, zone)), plan.catalogue.last_date(plan.now))


def _without_current(
    times: Sequence[DoctorTime], current: CurrentTime | None, own_slots: Sequence[UUID]
) -> list[DoctorTime]:
    """Return the doctors' times, leaving out the appointment being moved."""
    if current is None:
        return list(times)
    return [
        time._replace(
            slots=[slot for slot in time.slots if slot.id not in own_slots],
            claims=without(time.claims, current.claim) if time.doctor_id == current.doctor_id else time.claims,
        )
        for time in times
    ]


def _judge(
    plan: BookingPlan,
    spec: AppointmentSpec,
    times: Sequence[DoctorTime],
    busy: Sequence[Range],
    upcoming: BookingLimits,
) -> Judgement:
    """Override violated rules one by one, stopping at the first that may not be overridden.

    In a discreet plan, the customer's own appointments and limits are checked last, and reported as a time that is
    taken.
    """
    allowed = overridable_rules(spec, plan.override)
    over_limit = limit_violation(spec, plan.limits, upcoming) if plan.limits else None
    if plan.discreet:
        visible = catalogue_violation(spec, plan.catalogue, plan.now) or time_violation(spec, times, ())
        concealed = over_limit or time_violation(spec, times, busy)
        return Judgement(spec, visible or (concealed and "taken"), is_limit=False)
    while True:
        violation = (
            catalogue_violation(spec, plan.catalogue, plan.now) or over_limit or time_violation(spec, times, busy)
        )
        if violation not in allowed or violation in spec.overrides:
            return Judgement(spec, violation, is_limit=violation is not None and violation == over_limit)
        spec = spec._replace(overrides=(*spec.overrides, violation))


def _conflict(
    plan: BookingPlan,
    judgement: Judgement,
    times: Sequence[DoctorTime],
    busy: Sequence[Range],
    current: CurrentTime | None,
) -> errors.Conflict:
    spec, violation, is_limit = judgement
    assert violation
    has_alternatives = not (is_limit or violation == "type-required" or (spec.type and not spec.type.active))
    if plan.discreet:
        busy, times = (), with_doctors_taken(spec, times) if violation == "taken" else times
    return errors.Conflict(
        violation,
        alternatives=find_alternatives(plan, spec, times, busy, current) if has_alternatives else [],
        **({"index": spec.position} if len(plan.specs) > 1 else {}),
    )
