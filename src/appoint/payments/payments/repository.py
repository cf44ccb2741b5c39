"""SQL for payments, allocations and refunds."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from ...database.pool import Row, Statements, affected
from ...database.sql import load
from ...kit.ids import clinic_of, new_id
from ...kit.money import MAX_AMOUNT, Money
from ..numbers.model import DocumentNumber, format_number
from .model import Allocation, AppliedRule, Method, OwnCredit, Payment, Refund, Status

ALLOCATE: Final = load(__name__, "allocate")
LIST_PAYMENTS: Final = load(__name__, "list_payments")
SUM_OWN_CREDIT: Final = load(__name__, "sum_own_credit")
COPIED: Final = (
    "version", "created_at", "updated_at", "id", "clinic_id", "customer_id", "method", "status", "deposit",
    "booking_id", "invoice_id", "refund_id", "credit_note_id", "reason", "succeeded_at", "expires_at",
)  # fmt: skip


class WrittenAllocation(NamedTuple):
    """An allocation that was just written."""

    id: UUID
    amount: int


class AllocationRow(NamedTuple):
    id: UUID
    payment_id: UUID
    invoice_id: UUID | None
    refund_id: UUID | None
    currency: str
    amount: int


def to_payment(row: Row) -> Payment:
    return Payment(
        **{name: row[name] for name in COPIED},
        amount=Money(row.amount, row.currency),
        free=Money(row.free, row.currency),
        receipt_number=format_number(row.series, row.number) if row.series else None,
        allocations=msgspec.json.decode(row.allocations, type=list[Allocation]),
    )


def to_refund(row: Row) -> Refund:
    return Refund(
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        id=row.id,
        clinic_id=row.clinic_id,
        payment_id=row.payment_id,
        amount=Money(row.amount, row.currency),
        destination=row.destination,
        status=row.status,
        reason=row.reason,
    )


async def find(db: Statements, id: UUID) -> Payment | None:
    row = await db.fetchrow("select * from shown_payment where clinic_id = $1 and id = $2", clinic_of(id), id)
    return to_payment(row) if row else None


async def lock(tx: Statements, clinic_id: int, *, payments: Sequence[UUID], invoices: Sequence[UUID]) -> None:
    """Lock payments and invoices until the transaction ends, always in the same order."""
    await tx.execute("select lock_money($1, $2, $3)", clinic_id, payments, invoices)


async def list_payments(
    db: Statements,
    clinic_id: int,
    *,
    customer_id: UUID | None,
    status: Status | None,
    method: Method | None,
    first_day: date | None,
    last_day: date | None,
    after: tuple[UUID] | None,
    limit: int,
) -> list[Payment]:
    """Return a clinic's payments, newest first, plus one beyond `limit` if there is a next page."""
    rows = await db.fetch(
        LIST_PAYMENTS,
        clinic_id=clinic_id,
        customer_id=customer_id,
        status=status,
        method=method,
        first_day=first_day,
        last_day=last_day,
        before=after[0] if after else None,
        limit=limit,
    )
    return [to_payment(row) for row in rows]


async def list_credit(db: Statements, clinic_id: int, customer_id: UUID) -> list[Payment]:
    """Return the payments that make up a customer's credit, oldest first."""
    rows = await db.fetch(
        """
        select * from shown_payment
         where clinic_id = $1 and customer_id = $2 and method in ('credit', 'goodwill') and free > 0 order by id
        """,
        clinic_id,
        customer_id,
    )
    return [to_payment(row) for row in rows]


async def sum_own_credit(db: Statements, customer_id: UUID) -> list[OwnCredit]:
    """Return what clinics owe a customer."""
    rows = await db.fetch(SUM_OWN_CREDIT, customer_id=customer_id)
    return [OwnCredit(row.clinic, Money(row.amount, row.currency)) for row in rows]


async def add(
    tx: Statements,
    clinic_id: int,
    *,
    method: Method,
    status: Status,
    customer_id: UUID,
    amount: Money,
    now: datetime,
    deposit: bool = False,
    booking_id: UUID | None = None,
    invoice_id: UUID | None = None,
    refund_id: UUID | None = None,
    credit_note_id: UUID | None = None,
    reason: str | None = None,
) -> UUID:
    return await tx.fetchval(
        """
        insert into payment (clinic_id, id, method, status, customer_id, amount, currency, succeeded_at, deposit,
                             booking_id, invoice_id, refund_id, credit_note_id, reason)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        returning id
        """,
        clinic_id,
        new_id(clinic_id),
        method,
        status,
        customer_id,
        amount.amount,
        amount.currency,
        now if status == "succeeded" else None,
        deposit,
        booking_id,
        invoice_id,
        refund_id,
        credit_note_id,
        reason,
    )


async def change_status(tx: Statements, id: UUID, status: Status, *, now: datetime, reason: str | None = None) -> bool:
    """Change a payment's status, unless it has it already. Return whether it changed."""
    tag = await tx.execute(
        """
        update payment
           set status = $3, succeeded_at = case when $3 = 'succeeded' then $4::timestamptz end,
               reason = coalesce($5, reason), version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and status <> $3
        """,
        clinic_of(id),
        id,
        status,
        now,
        reason,
    )
    return affected(tag) > 0


async def set_receipt_number(tx: Statements, id: UUID, number: DocumentNumber) -> None:
    await tx.execute(
        "update payment set series = $3, number = $4 where clinic_id = $1 and id = $2", clinic_of(id), id, *number
    )


async def allocate(
    tx: Statements,
    *,
    payment_id: UUID,
    invoice_id: UUID | None = None,
    refund_id: UUID | None = None,
    currency: str,
    amount: int = MAX_AMOUNT,
    actor: str,
) -> list[WrittenAllocation]:
    """Pay an invoice or make a refund with up to this amount of a payment's free cents. Return the allocations."""
    rows = await tx.fetch(
        ALLOCATE,
        clinic_id=clinic_of(payment_id),
        payment_id=payment_id,
        invoice_id=invoice_id,
        refund_id=refund_id,
        currency=currency,
        amount=amount,
        actor=actor,
    )
    return [WrittenAllocation(row.id, row.amount) for row in rows]


async def find_allocation(tx: Statements, id: UUID) -> AllocationRow | None:
    """Return an allocation that has not been undone."""
    row = await tx.fetchrow(
        """
        select id, payment_id, invoice_id, refund_id, currency, amount
          from allocation
         where clinic_id = $1 and id = $2 and undone_at is null
        """,
        clinic_of(id),
        id,
    )
    return AllocationRow(*row) if row else None


async def list_allocations(tx: Statements, *, invoice_id: UUID) -> list[AllocationRow]:
    """Return an invoice's allocations, newest first."""
    rows = await tx.fetch(
        """
        select id, payment_id, invoice_id, refund_id, currency, amount
          from allocation
         where clinic_id = $1 and invoice_id = $2 and undone_at is null
         order by id desc
        """,
        clinic_of(invoice_id),
        invoice_id,
    )
    return [AllocationRow(*row) for row in rows]


async def undo(tx: Statements, id: UUID, *, now: datetime) -> bool:
    """Free an allocation's cents. Return whether it had any."""
    tag = await tx.execute(
        """
        update allocation set of_payment = null, of_target = null, undone_at = $3
         where clinic_id = $1 and id = $2 and undone_at is null
        """,
        clinic_of(id),
        id,
        now,
    )
    return affected(tag) > 0


async def add_refund(
    tx: Statements,
    payment_id: UUID,
    *,
    amount: Money,
    destination: str,
    status: str,
    reason: str | None,
    decided_by: AppliedRule | None = None,
) -> UUID:
    clinic_id = clinic_of(payment_id)
    return await tx.fetchval(
        """
        insert into refund (clinic_id, id, payment_id, amount, currency, destination, status, reason, appointment_id,
                            notice_minutes, keep_percent)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        returning id
        """,
        clinic_id,
        new_id(clinic_id),
        payment_id,
        amount.amount,
        amount.currency,
        destination,
        status,
        reason,
        *(decided_by or (None, None, None)),
    )


async def find_refund(db: Statements, id: UUID) -> Refund | None:
    row = await db.fetchrow("select * from refund where clinic_id = $1 and id = $2", clinic_of(id), id)
    return to_refund(row) if row else None


async def change_refund_status(tx: Statements, id: UUID, status: str) -> bool:
    """Change a pending refund's status. Return whether it was pending."""
    tag = await tx.execute(
        """
        update refund set status = $3, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and status = 'pending'
        """,
        clinic_of(id),
        id,
        status,
    )
    return affected(tag) > 0
