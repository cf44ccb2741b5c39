"""Cancel or move several appointments in one step, which can be undone as a whole."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Database, Transaction
from ...kit import errors, ids
from ...kit.actors import Actor
from .. import repository, service, transitions
from ..model import Appointment, RescheduleRequest
from ..reschedule import reschedule
from ..steps import UndoOffer
from .model import (
    AskToRebook,
    CancelAppointments,
    ChangedAppointments,
    Move,
    MoveAppointments,
    SelectedAppointment,
    UnchangedAppointment,
)

S = TypeVar("S", bound=SelectedAppointment)


async def cancel(
    db: Database,
    actor: Actor,
    *,
    clinic_id: int,
    cancellation: CancelAppointments,
    own_doctor_id: UUID | None,
    now: datetime,
) -> ChangedAppointments:
    """Cancel the appointments, each in its own transaction. If `own_doctor_id` is given, leave out other doctors'
    appointments.
    """

    async def cancel_one(selected: SelectedAppointment, current: Appointment, step_id: UUID) -> Appointment:
        deviations = await db.atomic(
            transitions.cancel,
            actor,
            appointment_id=current.id,
            reason=cancellation.reason,
            step_id=step_id,
            if_match=selected.if_match,
            now=now,
        )
        cancelled = await service.get(db, current.id)
        advisories = list(deviations.advisories)
        return msgspec.structs.replace(cancelled, advisories=advisories) if advisories else cancelled

    return await _change(
        db, cancellation.appointments, cancel_one, clinic_id=clinic_id, own_doctor_id=own_doctor_id, now=now
    )


async def move(
    db: Database, actor: Actor, *, clinic_id: int, moves: MoveAppointments, own_doctor_id: UUID | None, now: datetime
) -> ChangedAppointments:
    """Move the appointments, each in its own transaction and in the given order. If `own_doctor_id` is given, leave out
    other doctors' appointments, and moves to other doctors.
    """

    async def move_one(selected: Move, current: Appointment, step_id: UUID) -> Appointment:
        if own_doctor_id and selected.doctor_id not in (None, own_doctor_id):
            raise errors.Forbidden
        to = RescheduleRequest(
            start_time=selected.start_time or current.start_time, doctor_id=selected.doctor_id, override=moves.override
        )
        return await reschedule(
            db, actor, appointment_id=current.id, to=to, if_match=selected.if_match, step_id=step_id, now=now
        )

    return await _change(db, moves.appointments, move_one, clinic_id=clinic_id, own_doctor_id=own_doctor_id, now=now)


async def ask_to_rebook(
    db: Database, actor: Actor, *, clinic_id: int, request: AskToRebook, own_doctor_id: UUID | None, now: datetime
) -> ChangedAppointments:
    """Send the patients a link to choose a new time, or put them on the list of patients to call. Leave out
    appointments that do not need rebooking and, if `own_doctor_id` is given, other doctors' appointments.
    """

    async def ask_one(selected: SelectedAppointment, current: Appointment, step_id: UUID) -> Appointment:
        return await db.atomic(
            _ask, actor, appointment_id=current.id, by=request.by, step_id=step_id, if_match=selected.if_match, now=now
        )

    outcome = await _change(
        db, request.appointments, ask_one, clinic_id=clinic_id, own_doctor_id=own_doctor_id, now=now
    )
    if {each.reason for each in outcome.unchanged} == {"no-rebooking-needed"} and not outcome.count:
        raise errors.Conflict("no-rebooking-needed")
    return outcome


async def _ask(
    tx: Transaction, actor: Actor, *, appointment_id: UUID, by: str, step_id: UUID, if_match: str, now: datetime
) -> Appointment:
    clinic_id = ids.clinic_of(appointment_id)
    await service.lock(tx, appointment_id, if_match)
    if not await repository.ask_to_rebook(
        tx, clinic_id=clinic_id, appointment_id=appointment_id, by=by, step_id=step_id, now=now
    ):
        raise errors.Conflict("no-rebooking-needed")
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[appointment_id])
    return await service.get(tx, appointment_id)


async def _change(
    db: Database,
    selection: Sequence[S],
    change_one: Callable[[S, Appointment, UUID], Awaitable[Appointment]],
    *,
    clinic_id: int,
    own_doctor_id: UUID | None,
    now: datetime,
) -> ChangedAppointments:
    await clinics.get(db, clinic_id)  # an unknown clinic is an error, not a list of unknown appointments
    step_id = ids.new_id(clinic_id)
    changed: list[Appointment] = []
    unchanged: list[UnchangedAppointment] = []
    for selected in selection:
        try:
            current = await _find(db, selected.id, clinic_id=clinic_id, own_doctor_id=own_doctor_id)
            changed.append(await change_one(selected, current, step_id))
        except (errors.Conflict, errors.NotFound, errors.Forbidden, errors.VersionMismatch) as refusal:
            unchanged.append(UnchangedAppointment(selected.id, refusal.type))
    return ChangedAppointments(changed, unchanged, len(changed), UndoOffer.of(step_id, now) if changed else None)


async def _find(db: Database, appointment_id: UUID, *, clinic_id: int, own_doctor_id: UUID | None) -> Appointment:
    """Return the appointment. Raise `NotFound` for another clinic's, and `Forbidden` for another doctor's."""
    if ids.clinic_of(appointment_id) != clinic_id:
        raise errors.NotFound
    appointment = await service.get(db, appointment_id)
    if own_doctor_id not in (None, appointment.doctor_id):
        raise errors.Forbidden
    return appointment
