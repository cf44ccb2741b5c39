"""SQL for sums of invoices and payments."""

from datetime import date
from typing import Final
from uuid import UUID

from ...database.pool import Statements
from ...database.sql import load
from ...kit.ids import clinic_of
from ...kit.money import Money
from ..numbers.model import format_number
from ..payments.model import Payment
from ..payments.repository import to_payment
from .model import InvoiceAllocation, InvoiceTotals, MonthTotals, Takings, TypeTotals

SUM_UP_INVOICES: Final = load(__name__, "sum_up_invoices")
SUM_UP_TAKINGS: Final = load(__name__, "sum_up_takings")
SUM_UP_MONTHS: Final = load(__name__, "sum_up_months")
SUM_UP_TYPES: Final = load(__name__, "sum_up_types")
LIST_INVOICE_ALLOCATIONS: Final = load(__name__, "list_invoice_allocations")


async def sum_up_invoices(
    db: Statements, clinic_id: int, *, customer_id: UUID | None, today: date
) -> list[InvoiceTotals]:
    rows = await db.fetch(SUM_UP_INVOICES, clinic_id=clinic_id, customer_id=customer_id, today=today)
    return [InvoiceTotals(*row) for row in rows]


async def list_invoice_allocations(db: Statements, invoice_id: UUID) -> list[InvoiceAllocation]:
    """Return what pays an invoice, oldest first, including what has been undone."""
    rows = await db.fetch(LIST_INVOICE_ALLOCATIONS, clinic_id=clinic_of(invoice_id), invoice_id=invoice_id)
    return [
        InvoiceAllocation(
            allocation_id=row.id,
            payment_id=row.payment_id,
            method=row.method,
            amount=Money(row.amount, row.currency),
            created_at=row.created_at,
            undone_at=row.undone_at,
            receipt_number=format_number(row.series, row.number) if row.series else None,
            credit_note_id=row.credit_note_id,
            credit_note_number=format_number(row.note_series, row.note_number) if row.note_series else None,
        )
        for row in rows
    ]


async def sum_up_takings(db: Statements, clinic_id: int, *, first_day: date, last_day: date) -> list[Takings]:
    rows = await db.fetch(SUM_UP_TAKINGS, clinic_id=clinic_id, first_day=first_day, last_day=last_day)
    return [
        Takings(row.method, row.count, Money(row.received, row.currency), Money(row.refunded, row.currency))
        for row in rows
    ]


async def list_unspent(db: Statements, clinic_id: int, customer_id: UUID) -> list[Payment]:
    """Return a customer's payments that have something left, oldest first."""
    rows = await db.fetch(
        """
        select * from shown_payment
         where clinic_id = $1 and customer_id = $2 and status = 'succeeded' and method <> 'creditNote' and free > 0
         order by id
        """,
        clinic_id,
        customer_id,
    )
    return [to_payment(row) for row in rows]


async def sum_up_months(db: Statements, clinic_id: int, *, first_day: date, last_day: date) -> list[MonthTotals]:
    rows = await db.fetch(SUM_UP_MONTHS, clinic_id=clinic_id, first_day=first_day, last_day=last_day)
    return [MonthTotals(*row) for row in rows]


async def sum_up_types(db: Statements, clinic_id: int, *, first_day: date, last_day: date) -> list[TypeTotals]:
    rows = await db.fetch(SUM_UP_TYPES, clinic_id=clinic_id, first_day=first_day, last_day=last_day)
    return [TypeTotals(*row) for row in rows]
