"""Cancel bookings as a whole, and find appointments by their ids."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors, ids
from ...kit.actors import Actor
from .. import transitions
from ..model import Appointment, Cancellation, audit_reason
from . import repository


async def cancel(
    tx: Transaction,
    actor: Actor,
    *,
    appointments: Sequence[Appointment],
    cancellation: Cancellation,
    now: datetime,
) -> None:
    """Cancel all of these appointments, which are from one booking, or none of them. Leave those already cancelled as
    they are.

    Raise the same conflicts as `transitions.cancel`, with the index of the first appointment that cannot be cancelled.
    """
    clinic_id = appointments[0].clinic_id
    step_id = ids.new_id(clinic_id)
    overridden: list[str] = []
    advisories: list[str] = []
    # always in the same order, so that concurrent requests cannot deadlock
    for index, appointment in sorted(enumerate(appointments), key=lambda each: each[1].id):
        try:
            deviations = await transitions.cancel_unrecorded(
                tx,
                actor,
                appointment_id=appointment.id,
                reason=cancellation.reason,
                override_reason=cancellation.override_reason,
                step_id=step_id,
                version_optional=True,  # a booking has no version
                now=now,
            )
        except errors.Conflict as conflict:
            raise errors.Conflict(conflict.type, **conflict.facts | {"index": index}) from conflict
        overridden += deviations.overrides
        advisories += [advisory.rule for advisory in deviations.advisories]
    await audit.record(
        tx,
        actor,
        clinic_id=clinic_id,
        subjects=[appointment.id for appointment in appointments],
        reason=audit_reason(overridden, advisories),
    )


async def list_together(db: Statements, *, clinic_id: int, booking_id: UUID) -> Sequence[Appointment]:
    """Return the appointments that were booked together, in request order."""
    bookings = await repository.load_bookings(db, clinic_id=clinic_id, booking_ids=[booking_id])
    return bookings[booking_id].appointments if booking_id in bookings else []


async def list_by_ids(db: Statements, *, clinic_id: int, ids: Sequence[UUID]) -> list[Appointment]:
    """Return the clinic's appointments with these ids."""
    return await repository.list_by_ids(db, clinic_id=clinic_id, ids=ids)
