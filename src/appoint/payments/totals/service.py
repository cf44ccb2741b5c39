"""Read lists and sums of invoices and payments."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from ...database.pool import Statements
from ...kit.money import Money
from ..invoices import repository as invoices
from ..invoices.model import Invoice
from ..payments import repository as payments
from ..payments.model import Payment
from . import repository
from .model import InvoiceAllocation, InvoiceTotals, MonthTotals, Takings, TypeTotals


async def list_invoices(
    db: Statements,
    *,
    clinic_id: int,
    customer_id: UUID | None = None,
    status: str | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
    today: date,
    before: UUID | None = None,
    limit: int,
) -> Sequence[Invoice]:
    """Return a clinic's invoices and credit notes, newest first, plus one beyond `limit` if there is a next page."""
    return await invoices.list_invoices(
        db,
        clinic_id,
        customer_id=customer_id,
        status=status,
        first_day=first_day,
        last_day=last_day,
        today=today,
        after=(before,) if before else None,
        limit=limit,
    )


async def list_payments(
    db: Statements, *, clinic_id: int, first_day: date, last_day: date, limit: int
) -> Sequence[Payment]:
    """Return the payments that a clinic received in a range of days, newest first, plus one beyond `limit` if there is
    a next page."""
    return await payments.list_payments(
        db,
        clinic_id,
        customer_id=None,
        status="succeeded",
        method=None,
        first_day=first_day,
        last_day=last_day,
        after=None,
        limit=limit,
    )


async def sum_up_invoices(
    db: Statements, *, clinic_id: int, customer_id: UUID | None = None, today: date
) -> Sequence[InvoiceTotals]:
    """Return the totals of a clinic's invoices, or of one patient's, for each currency."""
    return await repository.sum_up_invoices(db, clinic_id, customer_id=customer_id, today=today)


async def list_invoice_allocations(db: Statements, *, invoice_id: UUID) -> Sequence[InvoiceAllocation]:
    """Return what pays an invoice, oldest first, including what has been undone."""
    return await repository.list_invoice_allocations(db, invoice_id)


async def sum_up_takings(db: Statements, *, clinic_id: int, first_day: date, last_day: date) -> Sequence[Takings]:
    """Return what was paid by each method in a range of days."""
    return await repository.sum_up_takings(db, clinic_id, first_day=first_day, last_day=last_day)


async def sum_up_months(db: Statements, *, clinic_id: int, first_day: date, last_day: date) -> Sequence[MonthTotals]:
    """Return what a clinic issued, received and refunded in each month of a range of days, newest first."""
    return await repository.sum_up_months(db, clinic_id, first_day=first_day, last_day=last_day)


async def sum_up_types(db: Statements, *, clinic_id: int, first_day: date, last_day: date) -> Sequence[TypeTotals]:
    """Return what a clinic issued for each appointment type in a range of days, largest sum first."""
    return await repository.sum_up_types(db, clinic_id, first_day=first_day, last_day=last_day)


def sum_up(amounts: Iterable[Money]) -> Sequence[Money]:
    """Return the sums above zero, one per currency."""
    sums: dict[str, int] = {}
    for money in amounts:
        sums[money.currency] = sums.get(money.currency, 0) + money.amount
    return [Money(amount, currency) for currency, amount in sums.items() if amount]
