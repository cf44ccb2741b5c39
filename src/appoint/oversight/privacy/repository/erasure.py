"""Erase the personal data of a customer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ....database.pool import Statements, affected


async def lock_traces(tx: Statements, customer_id: UUID) -> None:
    """Lock the customer's appointments until the transaction ends: a concurrent note about one waits, and finds the
    customer erased."""
    await tx.execute(
        "select from appointment where customer_id = $1 order by clinic_id, id for no key update", customer_id
    )


async def erase_patients(tx: Statements, customer_id: UUID) -> int:
    """Erase clinics' notes and record numbers. Return the number of patient records that had any."""
    tag = await tx.execute(
        """
        update patient
           set record_number = null, notes = null, version = version + 1, updated_at = now()
         where noted_id = $1
        """,
        customer_id,
    )
    return affected(tag)


async def erase_appointments(tx: Statements, customer_id: UUID) -> int:
    """Erase notes and reasons. The doctor, time and price remain; a reason that must not be null becomes “(erased)”."""
    tag = await tx.execute(
        """
        update appointment
           set notes = null, cancel_reason = case when cancel_cause = 'hold-expired' then cancel_reason end,
               override_reason = case when override_reason is not null then '(erased)' end,
               idempotency_caller = null, idempotency_key = null, request_digest = null,
               version = version + 1, updated_at = now()
         where customer_id = $1
           and (num_nonnulls(notes, idempotency_key) > 0 or override_reason <> '(erased)'
                or cancel_reason is not null and cancel_cause is distinct from 'hold-expired')
        """,
        customer_id,
    )
    return affected(tag)


async def erase_notifications(tx: Statements, customer_id: UUID) -> int:
    """Stop unsent notifications, and erase the provider's ids of sent ones, which would find them there."""
    tag = await tx.execute(
        """
        update notification
           set status = case when status in ('queued', 'leased') then 'superseded' else status end,
               reason = case when status in ('queued', 'leased') then 'the customer was erased' else reason end,
               leased_until = null, provider_id = null, version = version + 1, updated_at = now()
         where recipient = 'customer' and recipient_id = $1::uuid::text
           and (status in ('queued', 'leased') or provider_id is not null)
        """,
        customer_id,
    )
    return affected(tag)


async def erase_messages(tx: Statements, customer_id: UUID) -> int:
    return affected(await tx.execute("delete from dev_message where customer_id = $1", customer_id))


async def erase_preferences(tx: Statements, customer_id: UUID) -> int:
    return affected(await tx.execute("delete from notification_preference where customer_id = $1", customer_id))


async def erase_sessions(tx: Statements, customer_id: UUID) -> int:
    return affected(await tx.execute("delete from session where customer_id = $1", customer_id))


async def erase_sign_in_codes(tx: Statements, customer_id: UUID) -> int:
    return affected(await tx.execute("delete from sign_in_code where $1 = any(customer_ids)", customer_id))


async def erase_requests(tx: Statements, customer_id: UUID) -> int:
    """Delete the digests of requests that created the customer."""
    return affected(await tx.execute("delete from request_key where answer = to_jsonb($1::uuid::text)", customer_id))


async def erase_customer(
    tx: Statements, customer_id: UUID, *, clinic_ids: Sequence[int], traceparent: str | None, now: datetime
) -> None:
    """Erase the customer, except for an empty row. Append an event for the platform and for each of the clinics."""
    await tx.execute(
        """
        with erased as (
          update customer
             set name = '(erased)', email = null, phone = null, locale = null, time_zone = null, birth_date = null,
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


async def erase_others_messages(tx: Statements, *, clinic_ids: Sequence[int]) -> None:
    """Delete the clinics' messages to doctors and staff from the development mailbox, because lists of appointments
    contain names."""
    await tx.execute(
        """
        delete from dev_message d
         using notification n
         where n.clinic_id = any($1) and n.recipient in ('doctor', 'staff') and n.id::text = split_part(d.token, '.', 1)
        """,
        clinic_ids,
    )
