"""Undo the clinic's last step for an appointment, or a step for all of its appointments."""

from datetime import datetime
from uuid import UUID

from ... import audit
from ...database.pool import Database, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from .. import repository, service
from ..model import LIVE, Appointment
from ..planning import SlotTime
from ..transitions import publish_own_hours_again, refusing_time_in_use, withdraw_own_hours
from .model import NotUndone, Undo, UndoneStep


async def undo(
    tx: Transaction,
    actor: Actor,
    *,
    appointment_id: UUID,
    step_id: UUID | None = None,
    if_match: str | None = None,
    now: datetime,
) -> Appointment:
    """Restore the appointment as it was before the last step, if the clinic took it today and nothing has happened
    since.

    Raise a `Conflict`: `nothing-to-undo`; `changed-since` if the last step is not the given one; or `taken`,
    `customer-busy` or `outside-hours` if the appointment's time is no longer free. Raise `VersionMismatch` for an
    outdated `if_match`.
    """
    clinic_id = clinic_of(appointment_id)
    expected = await repository.find_undo(tx, clinic_id=clinic_id, appointment_id=appointment_id)
    await _publish_hours(tx, appointment_id, expected)
    (appointment, *_), _ = await service.lock(tx, appointment_id, if_match, version_optional=True)
    step = await repository.find_undo(tx, clinic_id=clinic_id, appointment_id=appointment_id)
    if (step_id and (step is None or step.step_id != step_id)) or step != expected:
        raise errors.Conflict("changed-since")
    if step is None or not step.is_possible(now, appointment.time_zone):
        raise errors.Conflict("nothing-to-undo")
    with refusing_time_in_use():
        await repository.undo_step(tx, clinic_id=clinic_id, appointment_id=appointment_id)
    if step.moved:
        await _withdraw_hours(tx, appointment)
    await withdraw_own_hours(tx, appointment, step.status)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[appointment_id])
    return await service.get(tx, appointment_id)


async def _publish_hours(tx: Transaction, appointment_id: UUID, step: Undo | None) -> None:
    """Republish the hours that the step withdrew, if they had been published for the appointment alone."""
    if step is None or step.before is None:
        await publish_own_hours_again(tx, appointment_id)
        return
    appointment, before = await service.get(tx, appointment_id), step.before
    if not step.moved and appointment.status in LIVE:
        return
    doctor_ids = [appointment.doctor_id, before.doctor_id]
    await repository.lock_hours(tx, clinic_id=appointment.clinic_id, doctor_ids=doctor_ids)
    if before.had_own_hours:
        time = SlotTime(before.doctor_id, before.start, before.end)
        await repository.publish_missing(tx, clinic_id=appointment.clinic_id, times=[time])


async def _withdraw_hours(tx: Transaction, appointment: Appointment) -> None:
    """Withdraw the hours that the move had published for the appointment alone, now that it is back at its old time."""
    await repository.withdraw_remnant(
        tx,
        clinic_id=appointment.clinic_id,
        doctor_id=appointment.doctor_id,
        start=appointment.start_time,
        end=appointment.end_time,
    )


async def undo_all(db: Database, actor: Actor, *, step_id: UUID, doctor_id: UUID | None, now: datetime) -> UndoneStep:
    """Undo a step for each of its appointments, each in its own transaction. If `doctor_id` is given, leave out other
    doctors' appointments.

    Raise `NotFound` for an unknown step, and the conflict if the step cannot be undone for any appointment.
    """
    clinic_id = clinic_of(step_id)
    stepped = await repository.list_stepped(db, clinic_id=clinic_id, step_id=step_id, doctor_id=doctor_id)
    if not stepped:
        raise errors.NotFound
    undone: list[Appointment] = []
    failed: list[NotUndone] = []
    conflict = errors.Conflict("nothing-to-undo")
    for appointment_id in (each.appointment_id for each in stepped if not each.undone):
        try:
            undone.append(
                await db.atomic(undo, actor, appointment_id=appointment_id, step_id=step_id, if_match=None, now=now)
            )
        except errors.Conflict as refusal:
            conflict = refusal
            failed.append(NotUndone(appointment_id, refusal.type))
    if not undone:
        raise conflict
    return UndoneStep(undone, failed)
