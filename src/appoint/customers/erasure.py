"""Erase customers and clinics' notes about them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ..database.pool import Statements, affected


async def erase_patients(tx: Statements, customer_id: UUID, *, clinic_ids: Sequence[int]) -> int:
    """Erase the clinics' notes about the customer and their record numbers. Return how many patient records had any."""
    tag = await tx.execute(
        """
        update patient
           set record_number = null, notes = null, outlives_customer = false, version = version + 1, updated_at = now()
         where clinic_id = any($2) and customer_id = $1
           and (num_nonnulls(record_number, notes) > 0 or outlives_customer)
        """,
        customer_id,
        clinic_ids,
    )
    return affected(tag)


async def retain_patients(tx: Statements, customer_id: UUID, *, clinic_ids: Sequence[int]) -> None:
    """Let the clinics' notes and record numbers outlive the customer for as long as each clinic retains them."""
    await tx.execute(
        """
        update patient set outlives_customer = true, version = version + 1, updated_at = now()
         where clinic_id = any($2) and customer_id = $1
        """,
        customer_id,
        clinic_ids,
    )


async def erase_patient_notes(tx: Statements, *, clinic_id: int, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Erase the clinic's notes about the patients. Return the patients who had any."""
    rows = await tx.fetch(
        """
        update patient
           set record_number = null, notes = null, outlives_customer = false, version = version + 1, updated_at = now()
         where clinic_id = $1 and customer_id = any($2)
           and (num_nonnulls(record_number, notes) > 0 or outlives_customer)
        returning customer_id
        """,
        clinic_id,
        customer_ids,
    )
    return [row.customer_id for row in rows]


async def erase_customer(
    tx: Statements, customer_id: UUID, *, clinic_ids: Sequence[int], traceparent: str | None, now: datetime
) -> None:
    """Erase the customer, leaving only an empty row. Append an event for the platform and for each of the clinics."""
    await tx.execute(
        """
        with erased as (
          update customer
             set name = '(erased)', email = null, phone = null, locale = null, region = null, time_zone = null,
                 birth_date = null, postal_address = null,
                 email_confirmed_at = null, phone_confirmed_at = null,
                 active = false, removed_at = coalesce(removed_at, $2), erased_at = $2,
                 version = version + 1, updated_at = now()
           where id = $1
          returning id, version
        )
        insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
        select recipient, 'customer.erased', id::text, version, jsonb_build_object('customerId', id), $4
          from erased
         cross join unnest(0 || $3::int[]) as recipient
        """,
        customer_id,
        now,
        clinic_ids,
        traceparent,
    )


async def delete_customers(tx: Statements, customer_ids: Sequence[UUID]) -> None:
    """Delete customers who never booked, and append an event for each."""
    await tx.execute(
        """
        with deleted as (
          delete from customer where id = any($1) returning id, version
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select 0, 'customer.erased', id::text, version + 1, jsonb_build_object('customerId', id) from deleted
        """,
        customer_ids,
    )
