"""Change the status of appointments as `model.TRANSITIONS` allows."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import asyncpg

from .. import audit
from ..clinics.catalogue.model import Catalogue
from ..database.pool import Transaction, violates
from ..kit import clock, errors, ids
from ..kit.actors import Actor
from ..kit.ids import clinic_of
from . import repository, service
from .cancellation import check_not_started, is_late, too_late
from .deposits import due_for_booking
from .model import (
    LIVE,
    TRANSITIONS,
    Appointment,
    CancelCause,
    Deviations,
    Status,
    StoredAppointment,
    audit_reason,
    has_own_hours,
)
from .planning import SlotTime
from .policy import advise
from .time_rules import PATIENT_FREE


async def apply(
    tx: Transaction,
    actor: Actor,
    *,
    appointment_id: UUID,
    name: str,
    if_match: str | None = None,
    paid: bool = False,
    now: datetime,
) -> Appointment:
    """Apply the named transition to an appointment. To cancel, use `cancel` instead.

    The status guards against concurrent transitions, so no clinic requires a version for them.
    Raise `VersionMismatch` for an outdated `if_match`.

    Raise a `Conflict`: `wrong-status`; `hold-expired` for an expired hold, even if it has not been cancelled yet;
    `payment-required` for a hold that its patient has to pay for first, unless it is `paid`;
    `not-started` for a no-show before the start, or a visit completed before its day; `taken`, `customer-busy` or
    `outside-hours` when a no-show arrives late and the time is no longer free. Hours published for the no-show alone
    are published again.
    """
    if name == "arrive":
        await publish_own_hours_again(tx, appointment_id)
    stored, catalogue = await service.lock(tx, appointment_id, if_match, version_optional=True)
    appointment, transition = stored.appointment, TRANSITIONS[name]
    if name == "confirm" and not paid:
        await _check_confirmable(tx, stored, catalogue, actor, now)
    if appointment.status not in transition.sources or (name == "enterRoom" and appointment.in_room_at):
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=transition.target)
    _check_started(appointment, name, now)
    await _change_status(tx, actor, appointment, name, now=now)
    await audit.record(tx, actor, clinic_id=appointment.clinic_id, subjects=[appointment_id])
    return await service.get(tx, appointment_id)


async def cancel(
    tx: Transaction,
    actor: Actor,
    *,
    appointment_id: UUID,
    reason: str | None,
    override_reason: str | None = None,
    step_id: UUID | None = None,
    if_match: str | None,
    now: datetime,
) -> Deviations:
    """Cancel an appointment. Cancelling it again has no effect.

    The notice period does not apply to staff; `override_reason` is their reason for ignoring it, if they give one.
    `step_id` names the step that the cancellation is part of. Raise a `Conflict`: `wrong-status` for an appointment
    that is over, `already-started` for a patient's appointment that has started, or `too-late`.
    """
    deviations = await cancel_unrecorded(
        tx,
        actor,
        appointment_id=appointment_id,
        reason=reason,
        override_reason=override_reason,
        step_id=step_id,
        if_match=if_match,
        now=now,
    )
    await audit.record(
        tx,
        actor,
        clinic_id=clinic_of(appointment_id),
        subjects=[appointment_id],
        reason=audit_reason(deviations.overrides, [advisory.rule for advisory in deviations.advisories]),
    )
    return deviations


async def cancel_unrecorded(
    tx: Transaction,
    actor: Actor,
    *,
    appointment_id: UUID,
    reason: str | None,
    override_reason: str | None,
    step_id: UUID | None = None,
    if_match: str | None = None,
    version_optional: bool = False,
    now: datetime,
) -> Deviations:
    """Cancel an appointment as `cancel` does, but leave the audit entry to the caller."""
    (appointment, *_), catalogue = await service.lock(tx, appointment_id, if_match, version_optional=version_optional)
    if appointment.status == Status.CANCELLED:
        return Deviations()
    if appointment.status not in TRANSITIONS["cancel"].sources:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.CANCELLED)
    check_not_started(appointment, actor, now)
    late = is_late(appointment, catalogue, now)
    if late and override_reason is None and not actor.is_staff(appointment.clinic_id):
        raise too_late(catalogue)
    await _change_status(
        tx,
        actor,
        appointment,
        "cancel",
        reason=reason,
        override_reason=override_reason if late else None,
        step_id=step_id,
        now=now,
    )
    if not late:
        return Deviations()
    return Deviations(["too-late"]) if override_reason else Deviations(advisories=[advise(catalogue, "too-late")])


async def _check_confirmable(
    tx: Transaction, stored: StoredAppointment, catalogue: Catalogue, actor: Actor, now: datetime
) -> None:
    """Raise a `Conflict` if a hold has expired, or if someone other than the clinic's staff has to pay first."""
    appointment = stored.appointment
    has_ended = appointment.hold_expires_at is not None and appointment.hold_expires_at <= now
    if has_ended or stored.cancel_cause == CancelCause.HOLD_EXPIRED:
        raise errors.Conflict("hold-expired")
    if not actor.is_staff(appointment.clinic_id) and await due_for_booking(tx, catalogue, appointment):
        raise errors.Conflict("payment-required")


async def revive(tx: Transaction, actor: Actor, *, appointment_id: UUID, now: datetime) -> None:
    """Book an appointment whose hold has expired, because its payment arrived too late. Raise a `Conflict`:
    `wrong-status` if it was not cancelled for that reason or its time has passed, or `taken`, `customer-busy` or
    `outside-hours` if its time is no longer free."""
    await publish_own_hours_again(tx, appointment_id)
    (appointment, _, _, cancel_cause), _ = await service.lock(tx, appointment_id, "*")
    if cancel_cause != CancelCause.HOLD_EXPIRED or appointment.start_time <= now:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.BOOKED)
    await _change_status(tx, actor, appointment, "confirm", now=now)
    await audit.record(tx, actor, clinic_id=appointment.clinic_id, subjects=[appointment_id])


def _check_started(appointment: Appointment, name: str, now: datetime) -> None:
    """Raise a `not-started` `Conflict` for a no-show before the start, or for a visit completed before its day. Visits
    often begin early, so they can be completed at any time on that day.
    """
    too_early = (name == "noShow" and appointment.start_time > now) or (
        name == "fulfil"
        and clock.local_date(appointment.start_time, appointment.time_zone)
        > clock.local_date(now, appointment.time_zone)
    )
    if too_early:
        raise errors.Conflict("not-started")


def step_of(actor: Actor, clinic_id: int, step_id: UUID | None) -> UUID | None:
    """Return the id of the step that the caller takes for the clinic: the given one, or else a new one. Return None if
    the caller does not act for the clinic: only its own steps can be undone."""
    return (step_id or ids.new_id(clinic_id)) if actor.acts_for(clinic_id) else None


async def publish_own_hours_again(tx: Transaction, appointment_id: UUID) -> None:
    """If hours were published for an appointment alone and it is no longer live, publish them again."""
    appointment = await service.get(tx, appointment_id)
    if appointment.status not in LIVE and has_own_hours(appointment):
        doctor_id, clinic_id = appointment.doctor_id, appointment.clinic_id
        await repository.lock_hours(tx, clinic_id=clinic_id, doctor_ids=[doctor_id])
        time = SlotTime(doctor_id, appointment.start_time, appointment.end_time)
        await repository.publish_missing(tx, clinic_id=clinic_id, times=[time])


async def _change_status(
    tx: Transaction,
    actor: Actor,
    appointment: Appointment,
    name: str,
    *,
    reason: str | None = None,
    override_reason: str | None = None,
    step_id: UUID | None = None,
    now: datetime,
) -> None:
    transition = TRANSITIONS[name]
    with refusing_time_in_use():
        await repository.change_status(
            tx,
            clinic_id=appointment.clinic_id,
            appointment_id=appointment.id,
            status=transition.target,
            event=transition.event,
            cancel_reason=reason,
            override_reason=override_reason,
            in_room=name == "enterRoom",
            step_id=step_of(actor, appointment.clinic_id, step_id),
            now=now,
        )
    await withdraw_own_hours(tx, appointment, transition.target)


@contextmanager
def refusing_time_in_use() -> Generator[None]:
    """Raise a `Conflict` if a status change makes an appointment live again but its time is no longer free."""
    try:
        yield
    except asyncpg.ExclusionViolationError as error:
        raise errors.Conflict(
            "customer-busy" if violates(error, *PATIENT_FREE) else "taken", alternatives=[]
        ) from error
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Conflict("outside-hours", alternatives=[]) from error


async def withdraw_own_hours(tx: Transaction, appointment: Appointment, status: Status) -> None:
    """Withdraw hours that were published for the appointment alone if its new status is not live."""
    if status not in LIVE:
        await repository.withdraw_remnant(
            tx,
            clinic_id=appointment.clinic_id,
            doctor_id=appointment.doctor_id,
            start=appointment.start_time,
            end=appointment.end_time,
        )
