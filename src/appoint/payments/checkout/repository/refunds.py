"""SQL for refunds to cards, and for disputes."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ....database.pool import Row, Statements, affected
from ....kit.ids import clinic_of
from ....kit.money import Money
from .payments import GATEWAY


class CardRefund(NamedTuple):
    clinic_id: int
    id: UUID
    payment_id: UUID
    intent_id: str
    amount: Money
    destination: str
    status: str
    gateway_refund_id: str | None


async def lock(tx: Statements, refund_id: UUID) -> CardRefund | None:
    """Lock a refund of a payment by card until the transaction ends, and return it."""
    row = await tx.fetchrow(
        """
        select r.clinic_id, r.id, r.payment_id, p.gateway_payment_id, r.amount, r.currency, r.destination, r.status,
               r.gateway_refund_id
          from refund r
          join payment p on p.clinic_id = r.clinic_id and p.id = r.payment_id
         where r.clinic_id = $1 and r.id = $2 and p.gateway = $3
           for no key update of r
        """,
        clinic_of(refund_id),
        refund_id,
        GATEWAY,
    )
    return _refund(row) if row else None


async def find_dispute(tx: Statements, payment_id: UUID, *, dispute_id: str) -> UUID | None:
    return await tx.fetchval(
        """
        select id
          from refund
         where clinic_id = $1 and payment_id = $2 and destination = 'dispute' and gateway_refund_id = $3
        """,
        clinic_of(payment_id),
        payment_id,
        dispute_id,
    )


async def list_unsent(db: Statements, *, limit: int) -> list[CardRefund]:
    """Return refunds to cards that the provider does not know yet."""
    rows = await db.fetch(
        """
        select r.clinic_id, r.id, r.payment_id, p.gateway_payment_id, r.amount, r.currency, r.destination, r.status,
               r.gateway_refund_id
          from refund r
          join payment p on p.clinic_id = r.clinic_id and p.id = r.payment_id
         where r.status = 'pending' and r.destination = 'method' and r.gateway_refund_id is null
           and p.gateway = $1 and p.gateway_payment_id is not null
           and exists (select from clinic c where c.id = r.clinic_id)  -- has not moved
         order by r.created_at
         limit $2
        """,
        GATEWAY,
        limit,
    )
    return [_refund(row) for row in rows]


async def find(db: Statements, refund_id: UUID) -> CardRefund | None:
    row = await db.fetchrow(
        """
        select r.clinic_id, r.id, r.payment_id, p.gateway_payment_id, r.amount, r.currency, r.destination, r.status,
               r.gateway_refund_id
          from refund r
          join payment p on p.clinic_id = r.clinic_id and p.id = r.payment_id
         where r.clinic_id = $1 and r.id = $2 and p.gateway = $3
        """,
        clinic_of(refund_id),
        refund_id,
        GATEWAY,
    )
    return _refund(row) if row else None


async def list_sent(db: Statements, *, since: datetime, until: datetime) -> list[CardRefund]:
    """Return the refunds to cards from a period that the provider has accepted."""
    rows = await db.fetch(
        """
        select r.clinic_id, r.id, r.payment_id, p.gateway_payment_id, r.amount, r.currency, r.destination, r.status,
               r.gateway_refund_id
          from refund r
          join payment p on p.clinic_id = r.clinic_id and p.id = r.payment_id
         where r.destination = 'method' and r.status <> 'failed' and r.gateway_refund_id is not null and p.gateway = $1
           and r.created_at >= $2 and r.created_at < $3
        """,
        GATEWAY,
        since,
        until,
    )
    return [_refund(row) for row in rows]


def _refund(row: Row) -> CardRefund:
    return CardRefund(
        row.clinic_id,
        row.id,
        row.payment_id,
        row.gateway_payment_id,
        Money(row.amount, row.currency),
        row.destination,
        row.status,
        row.gateway_refund_id,
    )


async def attach(tx: Statements, refund_id: UUID, *, gateway_refund_id: str) -> None:
    await tx.execute(
        """
        update refund
           set gateway_refund_id = $3, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and gateway_refund_id is null
        """,
        clinic_of(refund_id),
        refund_id,
        gateway_refund_id,
    )


async def mark_succeeded(tx: Statements, refund_id: UUID) -> bool:
    """Record that a refund has arrived, or a dispute is lost. Return whether it was pending."""
    return bool(
        affected(
            await tx.execute(
                """
                update refund
                   set status = 'succeeded', version = version + 1, updated_at = now()
                 where clinic_id = $1 and id = $2 and status = 'pending'
                """,
                clinic_of(refund_id),
                refund_id,
            )
        )
    )


async def mark_failed(tx: Statements, refund_id: UUID, *, now: datetime) -> bool:
    """Record that a refund has failed, or a dispute is won, and give the payment its cents back. Return whether it had
    not failed before."""
    clinic_id = clinic_of(refund_id)
    await tx.execute(  # first, because an allocation can only be of a refund that has not failed
        """
        update allocation
           set undone_at = $3, of_payment = null, of_target = null
         where clinic_id = $1 and refund_id = $2 and undone_at is null
        """,
        clinic_id,
        refund_id,
        now,
    )
    changed = await tx.execute(
        """
        update refund
           set status = 'failed', version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and status <> 'failed'
        """,
        clinic_id,
        refund_id,
    )
    return bool(affected(changed))


async def list_paid_invoices(tx: Statements, payment_id: UUID) -> list[UUID]:
    """Return the invoices that a payment pays for."""
    rows = await tx.fetch(
        """
        select distinct invoice_id
          from allocation
         where clinic_id = $1 and payment_id = $2 and invoice_id is not null and undone_at is null
        """,
        clinic_of(payment_id),
        payment_id,
    )
    return [row.invoice_id for row in rows]
