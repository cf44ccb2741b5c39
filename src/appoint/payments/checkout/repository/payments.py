"""SQL for payments by card."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ....database.pool import Row, Statements, affected
from ....kit.ids import clinic_of
from ....kit.money import Money

GATEWAY: Final = "stripe"
"""The name of the payment provider in our tables."""


class CardPayment(NamedTuple):
    clinic_id: int
    id: UUID
    status: str
    customer_id: UUID
    booking_id: UUID | None
    invoice_id: UUID | None
    amount: Money
    session_id: str | None
    intent_id: str | None
    url: str | None
    created_at: datetime
    expires_at: datetime
    """When the provider's page closes."""


async def add(
    tx: Statements,
    *,
    payment_id: UUID,
    customer_id: UUID,
    booking_id: UUID | None = None,
    invoice_id: UUID | None = None,
    amount: Money,
    expires_at: datetime,
) -> None:
    """Add a payment that has not been made yet: a booking's deposit, or what is left to pay on an invoice."""
    await tx.execute(
        """
        insert into payment (clinic_id, id, method, status, customer_id, currency, amount, deposit, booking_id,
                             invoice_id, gateway, expires_at)
        values ($1, $2, 'card', 'pending', $3, $4, $5, $6::uuid is not null, $6, $7, $8, $9)
        """,
        clinic_of(payment_id),
        payment_id,
        customer_id,
        amount.currency,
        amount.amount,
        booking_id,
        invoice_id,
        GATEWAY,
        expires_at,
    )


async def find(tx: Statements, payment_id: UUID) -> CardPayment | None:
    row = await tx.fetchrow(
        """
        select clinic_id, id, status, customer_id, booking_id, invoice_id, currency, amount, gateway_session_id,
               gateway_payment_id, gateway_url, created_at, expires_at
          from payment
         where clinic_id = $1 and id = $2 and gateway = $3 and method = 'card'
        """,
        clinic_of(payment_id),
        payment_id,
        GATEWAY,
    )
    return _payment(row) if row else None


async def lock(tx: Statements, payment_id: UUID) -> CardPayment | None:
    """Lock a payment until the transaction ends, and return it."""
    row = await tx.fetchrow(
        """
        select clinic_id, id, status, customer_id, booking_id, invoice_id, currency, amount, gateway_session_id,
               gateway_payment_id, gateway_url, created_at, expires_at
          from payment
         where clinic_id = $1 and id = $2 and gateway = $3 and method = 'card'
           for no key update
        """,
        clinic_of(payment_id),
        payment_id,
        GATEWAY,
    )
    return _payment(row) if row else None


def _payment(row: Row) -> CardPayment:
    return CardPayment(
        row.clinic_id,
        row.id,
        row.status,
        row.customer_id,
        row.booking_id,
        row.invoice_id,
        Money(row.amount, row.currency),
        row.gateway_session_id,
        row.gateway_payment_id,
        row.gateway_url,
        row.created_at,
        row.expires_at,
    )


async def find_for_booking(tx: Statements, *, clinic_id: int, booking_id: UUID, status: str) -> UUID | None:
    """Return the latest payment by card with this status for a booking."""
    return await tx.fetchval(
        """
        select id
          from payment
         where clinic_id = $1 and booking_id = $2 and status = $3 and gateway = $4 and method = 'card'
         order by created_at desc, id desc
         limit 1
        """,
        clinic_id,
        booking_id,
        status,
        GATEWAY,
    )


async def find_for_invoice(tx: Statements, invoice_id: UUID) -> UUID | None:
    """Return an invoice's pending card payment."""
    return await tx.fetchval(
        """
        select id
          from payment
         where clinic_id = $1 and invoice_id = $2 and status = 'pending' and gateway = $3 and method = 'card'
         order by id desc
         limit 1
        """,
        clinic_of(invoice_id),
        invoice_id,
        GATEWAY,
    )


async def attach_session(tx: Statements, payment_id: UUID, *, session_id: str, url: str | None) -> None:
    await tx.execute(
        """
        update payment
           set gateway_session_id = $3, gateway_url = $4, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and gateway_session_id is null
        """,
        clinic_of(payment_id),
        payment_id,
        session_id,
        url,
    )


async def mark_succeeded(tx: Statements, payment_id: UUID, *, intent_id: str, now: datetime) -> None:
    """Record that a payment was made, even if it had been given up."""
    await tx.execute(
        """
        update payment
           set status = 'succeeded', succeeded_at = $4, gateway_payment_id = $3, version = version + 1,
               updated_at = now()
         where clinic_id = $1 and id = $2 and status <> 'succeeded'
        """,
        clinic_of(payment_id),
        payment_id,
        intent_id,
        now,
    )


async def mark_cancelled(tx: Statements, payment_id: UUID) -> bool:
    """Give up a pending payment. Return whether it was pending."""
    return bool(
        affected(
            await tx.execute(
                """
                update payment
                   set status = 'cancelled', version = version + 1, updated_at = now()
                 where clinic_id = $1 and id = $2 and status = 'pending'
                """,
                clinic_of(payment_id),
                payment_id,
            )
        )
    )


async def add_event(tx: Statements, *, event_id: str, type: str) -> bool:
    """Record one of the provider's events. Return False if it has been recorded before."""
    return bool(
        affected(
            await tx.execute(
                "insert into gateway_event (gateway, event_id, type) values ($1, $2, $3) on conflict do nothing",
                GATEWAY,
                event_id,
                type,
            )
        )
    )


async def list_ended(db: Statements, *, now: datetime, limit: int) -> list[UUID]:
    """Return pending payments that should be closed: their holds have expired or otherwise ended, less is left to pay
    on their invoice, or the provider's page should have closed."""
    rows = await db.fetch(
        """
        select p.id
          from payment p
         where p.status = 'pending' and p.gateway = $1 and p.method = 'card'
           and exists (select from clinic c where c.id = p.clinic_id)  -- has not moved
           and (p.expires_at <= $2
                or p.invoice_id is null
                   and not exists (select
                                     from appointment a
                                    where a.clinic_id = p.clinic_id and a.booking_id = p.booking_id
                                      and a.status = 'pending' and a.hold_expires_at > $2)
                or exists (select
                             from shown_invoice i
                            where i.clinic_id = p.clinic_id and i.id = p.invoice_id and i.total - i.paid < p.amount))
         order by p.expires_at
         limit $3
        """,
        GATEWAY,
        now,
        limit,
    )
    return [row.id for row in rows]


async def find_clinic_name(tx: Statements, clinic_id: int) -> str:
    return await tx.fetchval("select name from clinic where id = $1", clinic_id)


class RecordedPayment(NamedTuple):
    """A payment that succeeded, as our books have it."""

    id: UUID
    intent_id: str
    amount: Money


async def list_succeeded(db: Statements, *, since: datetime, until: datetime) -> Sequence[RecordedPayment]:
    """Return the payments by card that succeeded in a period."""
    rows = await db.fetch(
        """
        select id, gateway_payment_id, amount, currency
          from payment
         where status = 'succeeded' and gateway = $1 and method = 'card' and gateway_payment_id is not null
           and succeeded_at >= $2 and succeeded_at < $3
        """,
        GATEWAY,
        since,
        until,
    )
    return [RecordedPayment(row.id, row.gateway_payment_id, Money(row.amount, row.currency)) for row in rows]
