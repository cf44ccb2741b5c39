"""Erase a person's data from appointments. The doctor, time and price remain."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ...database.pool import Statements, affected


async def lock_appointments(tx: Statements, customer_id: UUID) -> None:
    """Lock the customer's appointments until the transaction ends. A concurrent change to their notes waits, then finds
    that the customer has been erased."""
    await tx.execute(
        "select from appointment where customer_id = $1 order by clinic_id, id for no key update", customer_id
    )


async def erase_keys(tx: Statements, customer_id: UUID) -> None:
    """Delete the idempotency keys of the customer's appointments. Everything else remains."""
    await tx.execute(
        """
        update appointment set idempotency_caller = null, idempotency_key = null, request_digest = null
         where customer_id = $1 and idempotency_key is not null
        """,
        customer_id,
    )


async def erase_appointments(tx: Statements, customer_id: UUID, *, retaining: Sequence[int] = ()) -> int:
    """Erase the appointments' notes and reasons, except at the `retaining` clinics, and the networks that they were
    booked from.

    The doctor, time and price remain; a reason that must not be null becomes “(erased)”.
    """
    tag = await tx.execute(
        """
        with origins as (
          delete from stranger_appointment s
           using appointment a
           where a.customer_id = $1 and s.clinic_id = a.clinic_id and s.appointment_id = a.id
        ), steps as (
          delete from appointment_step s
           using appointment a
           where a.customer_id = $1 and s.clinic_id = a.clinic_id and s.appointment_id = a.id
        )
        update appointment
           set notes = null, staff_notes = null,
               cancel_reason = case when cancel_cause = 'hold-expired' then cancel_reason end,
               override_reason = case when override_reason is not null then '(erased)' end,
               idempotency_caller = null, idempotency_key = null, request_digest = null,
               version = version + 1, updated_at = now()
         where customer_id = $1 and clinic_id <> all($2)
           and (num_nonnulls(notes, staff_notes, idempotency_key) > 0 or override_reason <> '(erased)'
                or cancel_reason is not null and cancel_cause is distinct from 'hold-expired')
        """,
        customer_id,
        retaining,
    )
    return affected(tag)


async def erase_appointment_notes(tx: Statements, *, clinic_id: int, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Erase the notes and reasons from the patients' appointments. Return the appointments that had any."""
    rows = await tx.fetch(
        """
        with steps as (
          delete from appointment_step s
           using appointment a
           where a.clinic_id = $1 and a.customer_id = any($2) and s.clinic_id = $1 and s.appointment_id = a.id
        )
        update appointment
           set notes = null, staff_notes = null,
               cancel_reason = case when cancel_cause = 'hold-expired' then cancel_reason end,
               override_reason = case when override_reason is not null then '(erased)' end,
               version = version + 1, updated_at = now()
         where clinic_id = $1 and customer_id = any($2)
           and (num_nonnulls(notes, staff_notes) > 0 or override_reason <> '(erased)'
                or cancel_reason is not null and cancel_cause is distinct from 'hold-expired')
        returning id
        """,
        clinic_id,
        customer_ids,
    )
    return [row.id for row in rows]


async def delete_holds(tx: Statements, customer_ids: Sequence[UUID]) -> None:
    """Delete the abandoned holds of customers who never booked."""
    await tx.execute(
        "delete from appointment where (customer_id = any($1) or booker_id = any($1)) and only_held", customer_ids
    )


async def delete_old_keys(db: Statements, *, before: datetime) -> int:
    """Delete the idempotency keys of appointments booked before the given time, and return how many were deleted."""
    tag = await db.execute(
        """
        update appointment set idempotency_caller = null, idempotency_key = null, request_digest = null
         where idempotency_key is not null and created_at < $1
        """,
        before,
    )
    return affected(tag)


async def delete_old_steps(db: Statements, *, before: datetime) -> int:
    """Delete the data for undoing steps that were taken before the given time. Return how many rows were deleted."""
    return affected(await db.execute("delete from appointment_step where taken_at < $1", before))


async def delete_old_origins(db: Statements, *, before: datetime) -> int:
    """Delete the networks of appointments that strangers booked before the given time. Return how many were deleted."""
    return affected(await db.execute("delete from stranger_appointment where created_at < $1", before))
