"""Write bookings together with others that arrive at the same time."""

from typing import Final

from msgspec import UNSET

from ...database.gathering import gathering
from ...database.pool import Database
from ...database.sql import load
from ...kit import ids, tracing
from ...kit.key_ring import EncryptedField
from ..bounds import NEWCOMER_PERIOD
from ..confirmation.message import Confirmation
from ..half_days import MINUTES
from ..model import Appointment, BookedAppointments, Status, audit_reason
from ..planning import BookingCommand, BookingPlan

INSERT_GATHERED: Final = load(__name__.rpartition(".")[0], "insert_gathered")


def can_gather(command: BookingCommand, plan: BookingPlan) -> bool:
    """Return whether `insert_gathered` can write the plan: one appointment without overridden rules or a separate
    booker, which cannot be undone, and either with a named doctor or in half a day."""
    spec, *others = plan.specs
    return not (
        others
        or not (spec.half_day or (spec.doctor_id and len(spec.candidates) == 1))
        or spec.overrides
        or command.booker_id
        or command.can_be_undone
        or (plan.origin and plan.signed_in_id not in (None, spec.customer_id))
    )


async def insert_gathered(db: Database, command: BookingCommand, plan: BookingPlan) -> BookedAppointments | None:
    """Write the plan's only appointment as `insert_appointments` does, in one statement with other callers' bookings.

    Return None if it was not written, for the same reasons as `insert_appointments`, or because a constraint or a
    locked row stopped the statement. Only `insert_appointments` can then tell.
    """
    (spec,) = plan.specs
    catalogue, actor, type, half_day = plan.catalogue, command.actor, spec.type, spec.half_day
    doctor = None if half_day else spec.candidates[0]
    if half_day:
        spec = spec.at(plan.terms.earliest)
    id = ids.new_id(catalogue.clinic_id)
    status = Status.PENDING if spec.hold else Status(spec.status)
    hold_expires_at = (
        command.hold_expires_at(needs_code=plan.needs_code, needs_payment=plan.needs_payment) if spec.hold else None
    )
    appointments, holds = plan.limits or (None, None)
    row = await gathering(db, INSERT_GATHERED).send(
        id,
        (
            id,
            catalogue.clinic_id,
            catalogue.version,
            doctor and doctor.id,
            doctor and doctor.version,
            spec.customer_id,
            type and type.id,
            type and type.version,
            spec.start,
            spec.end,
            spec.claimed_from,
            spec.claimed_until,
            catalogue.slot_step_minutes * 60 if half_day else plan.step_seconds,
            status,
            hold_expires_at,
            db.keys.encrypt(spec.notes, EncryptedField.APPOINTMENT_NOTES, id),
            appointments,
            holds,
            plan.now - NEWCOMER_PERIOD if plan.origin and plan.signed_in_id else None,
            command.idempotency,
            (
                actor.key,
                actor.operation,
                actor.audited_address,
                tracing.audited_request_id(),
                audit_reason((), spec.advisories),
            ),
            tracing.traceparent(),
            command.now,
            plan.origin,
            plan.needs_code,
            half_day and (half_day.date, *MINUTES[half_day.half]),
            [(each.id, each.version) for each in spec.candidates] if half_day else None,
        ),
        key=(catalogue.clinic_id, spec.customer_id),
    )
    if row is None:
        return None
    appointment = Appointment(
        id=id,
        booking_id=id,
        clinic_id=catalogue.clinic_id,
        doctor_id=row.doctor_id,
        customer_id=spec.customer_id,
        appointment_type_id=type and type.id,
        start_time=row.start_time,
        end_time=row.start_time + (spec.end - spec.start),
        time_zone=catalogue.time_zone,
        status=status,
        hold_expires_at=hold_expires_at,
        cancel_reason=None,
        needs_rebooking=False,
        price=type and type.price,
        notes=spec.notes,
        overrides=[],
        override_reason=None,
        arrived_at=command.now if status in (Status.ARRIVED, Status.CHECKED_IN) else None,
        in_room_at=None,
        staff_notes=None,
        version=1,
        created_at=row.created_at,
        updated_at=row.created_at,
        confirmation=Confirmation.to(row.code_sent_to, hold_expires_at)
        if row.code_sent_to and hold_expires_at
        else UNSET,
    )
    return BookedAppointments([appointment], None)
