"""Reschedule appointments."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from .. import audit
from ..clinics.audience import UNKNOWN, PatientFacts
from ..clinics.catalogue import repository as catalogues
from ..clinics.catalogue.model import Catalogue
from ..database.pool import Database, Statements, Transaction
from ..kit import clock, errors, ids
from ..kit.actors import Actor
from . import repository, service
from .cancellation import check_not_started, is_late, too_late
from .model import (
    MOVABLE,
    MOVABLE_BY_STAFF,
    Appointment,
    RescheduleRequest,
    Status,
    audit_reason,
)
from .planning import BookingPlan, unbound, with_doctors_for
from .policy import advise
from .refusals import Explanation, Overridable, explain_refusal, next_overrides
from .time_rules import AppointmentSpec, CurrentTime, Override, buffers, catalogue_violation
from .transitions import step_of

MAX_ATTEMPTS: Final = 3


class _MoveRefused(Exception):
    """Internal signal: the database refused the move. It ends the transaction, so that the reason is looked up outside
    it."""


async def reschedule(
    db: Database,
    actor: Actor,
    *,
    appointment_id: UUID,
    to: RescheduleRequest,
    if_match: str | None,
    step_id: UUID | None = None,
    now: datetime,
) -> Appointment:
    """Move an appointment to a different time, a different doctor, or both.

    The appointment keeps its id and may overlap its old time. A move to the time and doctor that it already has changes
    nothing. Override a rule only if `to.override` allows it and the move violates it. `step_id` names the step that the
    move is part of. Raise the same conflicts as `book` (but `taken` instead of `customer-busy` for callers who may not
    know about the customer's other appointments), plus `too-late` for a patient within the clinic's notice period,
    `already-started` for a patient's appointment that has started, `hold-expired`, and `wrong-status` for an
    appointment that is no longer upcoming. Raise `Invalid` if a patient changes the length set by the appointment type.
    """
    clinic_id = ids.clinic_of(appointment_id)
    if to.doctor_id and ids.clinic_of(to.doctor_id) != clinic_id:
        raise errors.NotFound
    overrides: Sequence[str] = ()
    for _ in range(MAX_ATTEMPTS):
        try:
            if to.any_doctor:
                return await _move_to_any_doctor(
                    db, actor, appointment_id, to, if_match=if_match, step_id=step_id, now=now
                )
            return await db.atomic(
                _move,
                actor,
                appointment_id=appointment_id,
                to=to,
                if_match=if_match,
                overrides=overrides,
                step_id=step_id,
                now=now,
            )
        except _MoveRefused:
            explanation = await _explain(db, actor, appointment_id, to, now)
        overrides = next_overrides(explanation).get(0, ())
    raise errors.Conflict("taken", alternatives=[])


async def _move_to_any_doctor(
    db: Database,
    actor: Actor,
    appointment_id: UUID,
    to: RescheduleRequest,
    *,
    if_match: str | None,
    step_id: UUID | None,
    now: datetime,
) -> Appointment:
    """Move an appointment to a doctor who is free. Raise `_MoveRefused` if someone else gets the doctor first."""
    explanation = await _explain(db, actor, appointment_id, to, now)
    overrides = next_overrides(explanation)
    if not isinstance(explanation, Overridable):
        raise _MoveRefused
    target = msgspec.structs.replace(to, any_doctor=False, doctor_id=explanation.doctors[0])
    return await db.atomic(
        _move,
        actor,
        appointment_id=appointment_id,
        to=target,
        if_match=if_match,
        overrides=overrides.get(0, ()),
        step_id=step_id,
        now=now,
    )


async def _move(
    tx: Transaction,
    actor: Actor,
    *,
    appointment_id: UUID,
    to: RescheduleRequest,
    if_match: str | None,
    overrides: Sequence[str],
    step_id: UUID | None,
    now: datetime,
) -> Appointment:
    """Move an appointment, overriding the given rules. Raise `_MoveRefused` if the database refuses the move."""
    clinic_id = ids.clinic_of(appointment_id)
    if "outside-hours" in overrides:
        doctor_id = (await service.get(tx, appointment_id)).doctor_id
        await repository.lock_hours(tx, clinic_id=clinic_id, doctor_ids=[doctor_id, to.doctor_id or doctor_id])
    (appointment, *_), catalogue = await service.lock(tx, appointment_id, if_match, other_doctor_id=to.doctor_id)
    _check_movable(appointment, actor, now)
    spec = _target(actor, appointment, catalogue, to, now=now, patient=await find_facts(tx, appointment, catalogue))
    if (spec.doctor_id, spec.start, spec.end) == (appointment.doctor_id, appointment.start_time, appointment.end_time):
        await audit.record(tx, actor, clinic_id=clinic_id, subjects=[appointment_id])
        return appointment
    check_not_started(appointment, actor, now)
    _check_length(appointment, actor, to)
    await _check_offered(tx, appointment, catalogue, spec)
    late = is_late(appointment, catalogue, now)
    spec, override_reason = _overriding(spec, to.override, overrides, catalogue, late=late)
    advisories = [advise(catalogue, rule) for rule in spec.advisories]
    zone = catalogue.time_zone
    if catalogue_violation(spec, catalogue, now):
        raise _MoveRefused
    try:
        if not await repository.move(
            tx,
            clinic_id=clinic_id,
            appointment_id=appointment_id,
            spec=spec,
            override_reason=override_reason,
            step_id=step_of(actor, clinic_id, step_id),
            same_day=clock.local_date(appointment.start_time, zone) == clock.local_date(spec.start, zone),
            now=now,
        ):
            raise _MoveRefused
    except (asyncpg.ExclusionViolationError, asyncpg.ForeignKeyViolationError) as error:
        raise _MoveRefused from error
    reason = audit_reason(spec.overrides, spec.advisories)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[appointment_id], reason=reason)
    moved = await service.get(tx, appointment_id)
    return msgspec.structs.replace(moved, advisories=advisories) if advisories else moved


def _check_movable(appointment: Appointment, actor: Actor, now: datetime) -> None:
    if appointment.status not in (MOVABLE_BY_STAFF if actor.is_staff(appointment.clinic_id) else MOVABLE):
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.BOOKED)
    if appointment.hold_expires_at and appointment.hold_expires_at <= now:
        raise errors.Conflict("hold-expired")


def _check_length(appointment: Appointment, actor: Actor, to: RescheduleRequest) -> None:
    """Check that only the clinic changes the length of an appointment that has a type."""
    length = appointment.end_time - appointment.start_time
    changes = to.end_time is not None and to.end_time - to.start_time != length
    if changes and appointment.appointment_type_id and not actor.acts_for(appointment.clinic_id):
        raise errors.Invalid(errors.Fault("#/endTime", "is already set by the appointment type"))


async def _check_offered(
    tx: Transaction, appointment: Appointment, catalogue: Catalogue, spec: AppointmentSpec
) -> None:
    """Check what patients and strangers may choose: only an offered start, and no different length.

    If the clinic has no appointment types, they may choose a slot of any length. Raise a `fixed-length` `Conflict`, or
    `_MoveRefused` if the start is not offered.
    """
    if spec.step is None:
        return
    has_other_length = spec.end - spec.start != appointment.end_time - appointment.start_time
    if has_other_length and catalogue.has_bookable_types:
        raise errors.Conflict("fixed-length")
    assert spec.doctor_id, "a moved appointment has a doctor"
    slot_end = await repository.find_slot_end(
        tx, clinic_id=catalogue.clinic_id, doctor_id=spec.doctor_id, start=spec.start, step=spec.step
    )
    if slot_end is None:
        raise _MoveRefused
    if has_other_length and slot_end != spec.end:
        raise errors.Conflict("fixed-length")


def _overriding(
    spec: AppointmentSpec, override: Override | None, rules: Sequence[str], catalogue: Catalogue, *, late: bool
) -> tuple[AppointmentSpec, str | None]:
    """Return the spec with its overridden rules, and the reason for overriding them. Raise a `too-late` `Conflict` if a
    caller who is bound by the policy moves it too late without overriding that rule."""
    overrides = tuple(dict.fromkeys((*spec.overrides, *rules)))
    if late and override and "too-late" in override.allow:
        overrides = ("too-late", *overrides)
    elif late and spec.is_bound:
        raise too_late(catalogue)
    elif late:
        spec = spec._replace(advisories=("too-late", *spec.advisories))
    return spec._replace(overrides=overrides), override.reason if override and overrides else None


def _target(
    actor: Actor,
    appointment: Appointment,
    catalogue: Catalogue,
    to: RescheduleRequest,
    *,
    now: datetime,
    patient: PatientFacts,
) -> AppointmentSpec:
    """Return the appointment's spec at its new time, with the type's current buffers. Its own doctor can keep it, even
    if they would no longer see the patient."""
    type_id = appointment.appointment_type_id
    doctor_id = None if to.any_doctor else to.doctor_id or appointment.doctor_id
    if doctor_id and doctor_id not in catalogue.doctors:
        raise errors.NotFound
    candidates = catalogue.doctors_for(type_id, doctor_id)
    end = to.end_time or to.start_time + (appointment.end_time - appointment.start_time)
    before, after = buffers(catalogue.types.get(type_id) if type_id else None)
    spec = AppointmentSpec(
        0,
        appointment.customer_id,
        None,
        to.start_time,
        end,
        to.start_time - before,
        end + after,
        doctor_id,
        sorted(candidates, key=lambda doctor: doctor.id != appointment.doctor_id),
        notes=None,
        hold=False,
        step=None if actor.acts_for(catalogue.clinic_id) else timedelta(minutes=catalogue.slot_step_minutes),
    )
    is_staff = actor.is_staff(catalogue.clinic_id)
    if doctor_id != appointment.doctor_id:
        fitting = with_doctors_for(spec, catalogue, patient, is_staff=is_staff)
        doctor_ids = {doctor.id for doctor in fitting.candidates} | {appointment.doctor_id}
        spec = fitting._replace(candidates=[doctor for doctor in spec.candidates if doctor.id in doctor_ids])
    return unbound(spec, catalogue, to.override, now) if is_staff else spec


async def find_facts(db: Statements, appointment: Appointment, catalogue: Catalogue) -> PatientFacts:
    """Return the facts that decide which doctors see the patient."""
    if not catalogue.is_selective:
        return UNKNOWN
    facts = await repository.find_patient_facts(
        db, clinic_id=catalogue.clinic_id, customer_ids=[appointment.customer_id]
    )
    return facts.get(appointment.customer_id, UNKNOWN)


async def _explain(
    db: Statements, actor: Actor, appointment_id: UUID, to: RescheduleRequest, now: datetime
) -> Explanation:
    clinic_id = ids.clinic_of(appointment_id)
    appointment, claim, *_ = await service.get_stored(db, appointment_id)
    catalogue = await catalogues.load(db, appointment.clinic_id)
    assert catalogue, "a clinic is never deleted"
    current = CurrentTime(
        appointment.doctor_id,
        appointment.start_time,
        appointment.end_time,
        claim,
    )
    plan = BookingPlan(
        catalogue,
        [_target(actor, appointment, catalogue, to, now=now, patient=await find_facts(db, appointment, catalogue))],
        now,
        to.override,
        discreet=not actor.may_know_visits(appointment.customer_id, clinic_id),
    )
    return await explain_refusal(db, plan, current=current)
