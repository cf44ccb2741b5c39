"""SQL for confirmation codes. The table does not contain the codes themselves."""

from datetime import datetime
from uuid import UUID

from ...database.pool import Row, Statements
from ...kit import tracing
from ..model import CancelCause, Status
from .model import MAX_ATTEMPTS, MAX_CODES, Attempt, Hold


async def find_by_appointment(db: Statements, *, clinic_id: int, appointment_id: UUID) -> Hold | None:
    """Return a stranger's appointment with its booking's code, or None if no code was sent for it."""
    row = await db.fetchrow(
        """
        select k.booking_id, k.customer_id, k.customer_version, k.number, k.attempts, k.confirmed_at, a.status,
               a.hold_expires_at, a.cancel_cause
          from appointment a
          join confirmation_code k on k.clinic_id = a.clinic_id and k.booking_id = a.booking_id
         where a.clinic_id = $1 and a.id = $2
        """,
        clinic_id,
        appointment_id,
    )
    return _hold(row) if row else None


async def find_by_booking(db: Statements, *, clinic_id: int, booking_id: UUID) -> tuple[Hold, UUID] | None:
    """Return a stranger's booking with its code and its first appointment's id, or None if no code was sent."""
    row = await db.fetchrow(
        """
        select k.booking_id, k.customer_id, k.customer_version, k.number, k.attempts, k.confirmed_at, a.status,
               a.hold_expires_at, a.cancel_cause, a.id
          from confirmation_code k
          join appointment a on a.clinic_id = k.clinic_id and a.booking_id = k.booking_id
         where k.clinic_id = $1 and k.booking_id = $2
         order by a.status = 'pending' desc, a.position
         limit 1
        """,
        clinic_id,
        booking_id,
    )
    return (_hold(row), row.id) if row else None


def _hold(row: Row) -> Hold:
    return Hold(
        row.booking_id,
        row.customer_id,
        row.customer_version,
        row.number,
        row.attempts,
        row.confirmed_at is not None,
        Status(row.status),
        row.hold_expires_at,
        row.cancel_cause and CancelCause(row.cancel_cause),
    )


async def count_attempt(
    tx: Statements, *, clinic_id: int, booking_id: UUID, right_number: int | None
) -> Attempt | None:
    """Count an attempt to enter the latest code, unless the latest code is still number `right_number`, which the
    caller entered correctly. Return None if no attempts are left or the code is no longer needed."""
    row = await tx.fetchrow(
        """
        update confirmation_code set attempts = attempts + case number when $4 then 0 else 1 end
         where clinic_id = $1 and booking_id = $2 and attempts < $3 and confirmed_at is null
        returning number, attempts
        """,
        clinic_id,
        booking_id,
        MAX_ATTEMPTS,
        right_number,
    )
    return Attempt(*row.values()) if row else None


async def mark_confirmed(tx: Statements, *, clinic_id: int, booking_id: UUID, now: datetime) -> bool:
    """Record that the booker has confirmed their address. Return whether this is the first time. Concurrent calls
    queue."""
    return bool(
        await tx.fetchval(
            """
            update confirmation_code set confirmed_at = $3
             where clinic_id = $1 and booking_id = $2 and confirmed_at is null
            returning true
            """,
            clinic_id,
            booking_id,
            now,
        )
    )


async def request_next_code(tx: Statements, *, clinic_id: int, booking_id: UUID, now: datetime) -> bool:
    """Replace the code with a new one and append the event that sends it. Return False if no more can be sent, or the
    booking is not on hold."""
    return bool(
        await tx.fetchval(
            """
            with renewed as (
              update confirmation_code k set number = number + 1, attempts = 0, customer_version = c.version
                from customer c
               where k.clinic_id = $1 and k.booking_id = $2 and k.confirmed_at is null and k.number < $3
                 and c.id = k.customer_id and c.active
              returning k.clinic_id, k.booking_id, k.customer_id, k.number
            ), first as (
              select a.id, a.version, a.booking_id, a.doctor_id, a.during, a.sequence, a.hold_expires_at
                from appointment a
               where a.clinic_id = $1 and a.booking_id = $2 and a.status = 'pending' and a.hold_expires_at > $4
               order by a.position
               limit 1
            )
            insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
            select r.clinic_id, 'appointment.code-requested', f.id::text, f.version,
                   appointment_event_data(f.booking_id, f.doctor_id, r.customer_id, f.during, f.sequence,
                                          jsonb_build_object('number', r.number, 'holdExpiresAt', f.hold_expires_at)),
                   $5
              from renewed r join first f on f.booking_id = r.booking_id
            returning true
            """,
            clinic_id,
            booking_id,
            MAX_CODES,
            now,
            tracing.traceparent(),
        )
    )


async def list_held(tx: Statements, *, clinic_id: int, booking_id: UUID) -> list[UUID]:
    """Return the booking's appointments that are on hold, in request order."""
    rows = await tx.fetch(
        """
        select id from appointment
         where clinic_id = $1 and booking_id = $2 and status = 'pending'
         order by position
        """,
        clinic_id,
        booking_id,
    )
    return [row.id for row in rows]


async def assign_to(tx: Statements, *, clinic_id: int, booking_id: UUID, customer_id: UUID, person_id: UUID) -> None:
    """Assign the customer's appointments in a booking, and the booking itself, to the same person's other record.

    Raise `ExclusionViolationError` naming `customer_free` or `person_free` if that person has an appointment at the
    same time.
    """
    await tx.execute(
        """
        update appointment
           set customer_id = case customer_id when $3 then $4 else customer_id end,
               person_id = case customer_id
                             when $3 then coalesce(lock_person($1, $4), '00000000-0000-0000-0000-000000000000')
                             else person_id end,
               booker_id = case booker_id when $3 then $4 else booker_id end,
               version = version + 1, updated_at = now()
         where clinic_id = $1 and booking_id = $2 and $3 in (customer_id, booker_id)
        """,
        clinic_id,
        booking_id,
        customer_id,
        person_id,
    )
    await tx.execute(
        "update confirmation_code set customer_id = $3 where clinic_id = $1 and booking_id = $2",
        clinic_id,
        booking_id,
        person_id,
    )


async def fits_limits(
    tx: Statements, *, clinic_id: int, customer_id: UUID, appointments: int, holds: int, now: datetime
) -> bool:
    """Return whether the customer's upcoming appointments are within the limits. Concurrent calls for one customer
    queue."""
    return await tx.fetchval(
        "select fits_caps($1, $2, 0, 0, $3, $4, $5)", clinic_id, customer_id, appointments, holds, now
    )


async def delete_old(db: Statements, *, before: datetime) -> None:
    """Delete the codes of bookings made before the given time."""
    await db.execute("delete from confirmation_code where created_at < $1", before)
