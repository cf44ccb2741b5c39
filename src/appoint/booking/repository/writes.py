"""Write appointments, and the hours that are published for one appointment alone."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID

from ...database.pool import Statements
from ...database.sql import load
from ...kit import ids, tracing
from ...kit.key_ring import EncryptedField, KeyRing, is_unreadable
from ..bounds import NEWCOMER_PERIOD
from ..model import BookedAppointments, Status, StoredAppointment, audit_reason
from ..planning import BookingCommand, BookingPlan, SlotTime
from ..time_rules import AppointmentSpec, in_turn
from .reads import find, to_new_appointments

REPOSITORY: Final = __name__.rpartition(".")[0]
INSERT_APPOINTMENTS: Final = load(REPOSITORY, "insert_appointments")
CHANGE_STATUS: Final = load(REPOSITORY, "change_status")
UNDO_STEP: Final = load(REPOSITORY, "undo_step")
MOVE_APPOINTMENT: Final = load(REPOSITORY, "move_appointment")
PUBLISH_MISSING_HOURS: Final = load(REPOSITORY, "publish_missing_hours")
EXPIRE_HOLDS: Final = load(REPOSITORY, "expire_holds")


async def insert_appointments(db: Statements, command: BookingCommand, plan: BookingPlan) -> BookedAppointments | None:
    """Write all of a plan's appointments or none, in one statement and one round trip, together with their patient
    records, events and audit entry.

    The statement gives a time to only one of several concurrent requests, and chooses a doctor by the clinic's rule if
    the request names none. It writes nothing, and this function returns None, if another request got there first, if
    this request (same caller and key) has already been served, if a customer or a stranger has reached a limit, if a
    patient or stranger chose a start that is not offered, or if the clinic, doctors, types or customer have changed
    since the plan was made. Limits are exact, because one customer's concurrent bookings queue.

    Raise PostgreSQL's `AP001` if only some of several appointments could be written, and `ForeignKeyViolationError`
    naming `within_hours` if a named doctor's hours do not cover the time. In both cases, nothing is written.
    """
    clinic_id, actor = plan.catalogue.clinic_id, command.actor
    booking_id = ids.new_id(clinic_id)
    turns = list(enumerate(in_turn(plan.specs), 1))
    overrides = audit_reason(
        [rule for _, spec in turns for rule in spec.overrides], [rule for _, spec in turns for rule in spec.advisories]
    )
    hold_expires_at = command.hold_expires_at(needs_code=plan.needs_code, needs_payment=plan.needs_payment)
    appointment_ids = [booking_id if len(turns) == 1 else ids.new_id(clinic_id) for _ in turns]
    override_reason = command.override.reason if command.override else None
    rows = await db.fetch(
        INSERT_APPOINTMENTS,
        clinic_id=clinic_id,
        clinic_version=plan.catalogue.version,
        booking_id=booking_id,
        booker_id=command.booker_id,
        requests=[
            _requested(turn, spec, id, hold_expires_at, db.keys)
            for (turn, spec), id in zip(turns, appointment_ids, strict=True)
        ],
        candidates=[(turn, doctor.id, doctor.version) for turn, spec in turns for doctor in spec.candidates],
        types=list({(spec.type.id, spec.type.version) for spec in plan.specs if spec.type}),
        idempotency=command.idempotency,
        actor=(actor.key, actor.operation, actor.audited_address, tracing.audited_request_id(), overrides),
        limits=plan.limits,
        needs_code=plan.needs_code,
        origin=plan.origin,
        signed_in_id=plan.signed_in_id,
        known_since=plan.now - NEWCOMER_PERIOD,
        step_seconds=plan.step_seconds,
        step_id=ids.new_id(clinic_id) if command.can_be_undone else None,
        override_reasons=[
            db.keys.encrypt(override_reason, EncryptedField.OVERRIDE_REASON, id) for id in appointment_ids
        ],
        traceparent=tracing.traceparent(),
        now=command.now,
    )
    return to_new_appointments(sorted(rows, key=attrgetter("position")), db.keys) if rows else None


def _requested(
    turn: int, spec: AppointmentSpec, id: UUID, hold_expires_at: datetime, keys: KeyRing
) -> tuple[object, ...]:
    """Return the values for the composite type `requested_appointment`."""
    return (
        turn,
        spec.position,
        id,
        spec.doctor_id,
        spec.customer_id,
        spec.type and spec.type.id,
        spec.start,
        spec.end,
        spec.claimed_from,
        spec.claimed_until,
        Status.PENDING if spec.hold else spec.status,
        hold_expires_at if spec.hold else None,
        spec.type and spec.type.price_amount,
        spec.type and spec.type.price_currency,
        keys.encrypt(spec.notes, EncryptedField.APPOINTMENT_NOTES, id),
        spec.overrides,
    )


async def lock(
    tx: Statements, *, clinic_id: int, appointment_id: UUID, other_doctor_id: UUID | None = None
) -> StoredAppointment | None:
    """Lock the appointment until the transaction ends, and return it.

    Lock its doctor and the other doctor first, in id order, so that concurrent moves queue instead of deadlocking.
    """
    await tx.execute(
        """
        select from doctor
         where clinic_id = $1 and (id = $3 or id = (select doctor_id from appointment where clinic_id = $1 and id = $2))
         order by id
           for no key update
        """,
        clinic_id,
        appointment_id,
        other_doctor_id,
    )
    await tx.execute(
        "select from appointment where clinic_id = $1 and id = $2 for no key update", clinic_id, appointment_id
    )
    return await find(tx, clinic_id=clinic_id, appointment_id=appointment_id)


async def lock_hours(tx: Statements, *, clinic_id: int, doctor_ids: Sequence[UUID]) -> None:
    """Lock the doctors' hours against publishing and withdrawing. All callers lock in the same order."""
    await tx.execute("select from clinic where id = $1 for share", clinic_id)
    await tx.execute(
        "select from doctor where clinic_id = $1 and id = any($2) order by id for no key update", clinic_id, doctor_ids
    )


async def publish_missing(
    tx: Statements, *, clinic_id: int, times: Sequence[AppointmentSpec] | Sequence[SlotTime]
) -> None:
    """Publish whatever part of each appointment's time the doctor's hours do not cover, for that appointment alone."""
    await tx.execute(
        PUBLISH_MISSING_HOURS,
        clinic_id=clinic_id,
        doctor_ids=[time.doctor_id for time in times],
        starts=[time.start for time in times],
        ends=[time.end for time in times],
    )


class NotesChange(NamedTuple):
    """An appointment's notes after a change."""

    notes: str | None
    staff_notes: str | None


async def change_notes(tx: Statements, *, clinic_id: int, appointment_id: UUID, to: NotesChange) -> bool:
    """Change the notes of a locked appointment. Notes that cannot be decrypted stay as they are unless they are
    replaced. Return False, and change nothing, if the customer's data was erased."""
    command_tag = await tx.execute(
        """
        with changed as (
          update appointment a
             set notes = case when $5 then notes else $3 end, staff_notes = case when $6 then staff_notes else $4 end,
                 version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2
             and exists (select from customer c where c.id = a.customer_id and c.erased_at is null)
          returning clinic_id, id, version
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'appointment.changed', id::text, version, '{}' from changed
        """,
        clinic_id,
        appointment_id,
        tx.keys.encrypt(to.notes, EncryptedField.APPOINTMENT_NOTES, appointment_id),
        tx.keys.encrypt(to.staff_notes, EncryptedField.STAFF_NOTES, appointment_id),
        is_unreadable(to.notes),
        is_unreadable(to.staff_notes),
    )
    return command_tag.endswith(" 1")


async def revoke_link(tx: Statements, *, clinic_id: int, appointment_id: UUID) -> None:
    """Make a locked appointment's next manage link valid instead of its current one."""
    await tx.execute(
        """
        with changed as (
          update appointment set link_number = link_number + 1, version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2
          returning clinic_id, id, version
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'appointment.changed', id::text, version, '{}' from changed
        """,
        clinic_id,
        appointment_id,
    )


async def change_status(
    tx: Statements,
    *,
    clinic_id: int,
    appointment_id: UUID,
    status: Status,
    event: str,
    cancel_reason: str | None,
    override_reason: str | None,
    in_room: bool,
    step_id: UUID | None,
    now: datetime,
) -> None:
    """Change the status of a locked appointment and append the event. `override_reason` is the reason for cancelling
    within the notice period. `step_id` identifies the clinic's step, which can be undone.

    Raise `ExclusionViolationError` or `ForeignKeyViolationError` if a no-show is undone but its time is no longer free.
    """
    await tx.execute(
        CHANGE_STATUS,
        clinic_id=clinic_id,
        appointment_id=appointment_id,
        status=status,
        event=event,
        cancel_reason=tx.keys.encrypt(cancel_reason, EncryptedField.CANCEL_REASON, appointment_id),
        override_reason=tx.keys.encrypt(override_reason, EncryptedField.OVERRIDE_REASON, appointment_id),
        in_room=in_room,
        step_id=step_id,
        now=now,
        traceparent=tracing.traceparent(),
    )


async def undo_step(tx: Statements, *, clinic_id: int, appointment_id: UUID) -> None:
    """Restore a locked appointment as it was before the clinic's last step, and append the event.

    Raise `ExclusionViolationError` or `ForeignKeyViolationError` if its time is no longer free.
    """
    await tx.execute(UNDO_STEP, clinic_id=clinic_id, appointment_id=appointment_id, traceparent=tracing.traceparent())


async def move(
    tx: Statements,
    *,
    clinic_id: int,
    appointment_id: UUID,
    spec: AppointmentSpec,
    override_reason: str | None,
    step_id: UUID | None,
    same_day: bool,
    now: datetime,
) -> bool:
    """Move a locked appointment in place; it may overlap its old time. Withdraw hours that were published for it alone.
    If hours are overridden, publish the missing ones.

    Return False if the customer is inactive, or has another appointment at that time for which staff overrode
    `customer-busy`. Raise `ExclusionViolationError` or `ForeignKeyViolationError` if a constraint refuses the move.
    """
    return await tx.fetchval(
        MOVE_APPOINTMENT,
        clinic_id=clinic_id,
        appointment_id=appointment_id,
        doctor_id=spec.doctor_id,
        starts_at=spec.start,
        ends_at=spec.end,
        claimed_from=spec.claimed_from,
        claimed_until=spec.claimed_until,
        overrides=spec.overrides,
        override_reason=tx.keys.encrypt(override_reason, EncryptedField.OVERRIDE_REASON, appointment_id),
        step_id=step_id,
        same_day=same_day,
        traceparent=tracing.traceparent(),
        now=now,
    )


async def withdraw_remnant(tx: Statements, *, clinic_id: int, doctor_id: UUID, start: datetime, end: datetime) -> None:
    """Withdraw hours in the range that were published for one appointment alone, if there are any.

    Raise `ForeignKeyViolationError` if they are in use."""
    await tx.execute(
        """
        with withdrawn as (
          delete from booking_slot
           where clinic_id = $1 and doctor_id = $2 and remnant and active_during <@ tstzrange($3, $4)
          returning clinic_id, id, version, doctor_id, during, source
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'slot.withdrawn', id::text, version, slot_event_data(doctor_id, during)
          from withdrawn
         where source = 'manual'
        """,
        clinic_id,
        doctor_id,
        start,
        end,
    )


async def expire_holds(db: Statements, *, now: datetime, limit: int) -> int:
    """Cancel up to `limit` expired holds across clinics, and return how many. This is safe to run concurrently."""
    return await db.fetchval(EXPIRE_HOLDS, now=now, limit=limit)
