"""Find appointments that strangers booked, and cancel them in bulk."""

from datetime import datetime
from typing import Final
from uuid import UUID

from ...clinics.clinics import service as clinics
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import new_id
from .. import transitions
from ..repository import list_stepped
from ..steps import UndoOffer
from . import repository
from .model import BulkCancellation, BulkCancelled, StrangerAppointment, StrangerSelection

DEFAULT_REASON: Final = "bulk cancellation"
"""The reason for overriding the notice period, if staff do not give one."""


async def list_newest(db: Statements, clinic_id: int, selection: StrangerSelection) -> list[StrangerAppointment]:
    """Return a clinic's appointments booked by strangers, newest first, plus one beyond the limit if there are more."""
    return await repository.list_newest(db, clinic_id, selection)


async def cancel(
    tx: Transaction, actor: Actor, *, clinic_id: int, cancellation: BulkCancellation, now: datetime
) -> BulkCancelled:
    """Cancel appointments that strangers booked, even within the clinic's notice period. Skip those that others booked
    or that can no longer be cancelled. Raise `NotFound` for an unknown clinic."""
    await clinics.get(tx, clinic_id)
    ids = await repository.keep_booked_by_strangers(
        tx, clinic_id=clinic_id, appointment_ids=cancellation.appointment_ids
    )
    cancelled: list[UUID] = []
    step_id = new_id(clinic_id)
    for appointment_id in ids:
        try:
            await transitions.cancel(
                tx,
                actor,
                appointment_id=appointment_id,
                reason=cancellation.reason,
                override_reason=cancellation.reason or DEFAULT_REASON,
                step_id=step_id,
                if_match="*",
                now=now,
            )
        except errors.Conflict:
            continue
        cancelled.append(appointment_id)
    others = [id for id in dict.fromkeys(cancellation.appointment_ids) if id not in cancelled]
    can_undo = await list_stepped(tx, clinic_id=clinic_id, step_id=step_id, doctor_id=None)  # without holds
    return BulkCancelled(cancelled, others, len(cancelled), UndoOffer.of(step_id, now) if can_undo else None)
