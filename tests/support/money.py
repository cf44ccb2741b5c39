"""A clinic with a patient, and helpers for payment use cases."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from appoint.database.pool import Database
from appoint.kit import errors
from appoint.kit.actors import Actor
from appoint.payments.invoices import corrections
from appoint.payments.invoices import service as invoices
from appoint.payments.invoices.model import CreditNoteContent, Invoice, InvoiceContent, LineContent
from appoint.payments.payments import refunds
from appoint.payments.payments import service as payments
from appoint.payments.payments.model import (
    AllocationContent,
    Payment,
    PaymentContent,
    PositiveMoney,
    Refund,
    RefundContent,
)

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
TILL = Actor("user:rita", administrator=True, operation="test")


class Till:
    """Runs use cases at one clinic, each in a transaction of its own. The clock stands still."""

    def __init__(self, db: Database, clinic: int, ana: UUID) -> None:
        self.db = db
        self.clinic = clinic
        self.ana = ana

    @classmethod
    async def make(cls, db: Database) -> "Till":
        clinic = await db.fetchval(
            "insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin') returning id"
        )
        ana = await db.fetchval("insert into customer (name) values ('Ana') returning id")
        await db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", clinic, ana)
        return cls(db.within(clinic), clinic, ana)

    async def draft(self, *amounts: int, **line: Any) -> Invoice:
        lines = [LineContent(description="Check-up", unit_amount=amount, **line) for amount in amounts]
        content = InvoiceContent(customer_id=self.ana, lines=lines)
        return await self.db.atomic(invoices.draft, TILL, clinic_id=self.clinic, content=content, now=NOW)

    async def issue(self, *amounts: int, **line: Any) -> Invoice:
        draft = await self.draft(*amounts, **line)
        return await self.db.atomic(invoices.issue, TILL, invoice_id=draft.id, if_match=None, now=NOW)

    async def invoice(self, id: UUID) -> Invoice:
        return await invoices.get(self.db, id)

    async def payment(self, id: UUID) -> Payment:
        return await payments.get(self.db, id)

    async def pay(self, amount: int, *invoice_ids: UUID, currency: str = "EUR", **members: Any) -> Payment:
        content = PaymentContent(
            customer_id=self.ana,
            amount=PositiveMoney(amount, currency),
            allocations=[AllocationContent(invoice_id=id) for id in invoice_ids],
            **{"method": "cash", **members},
        )
        return await self.db.atomic(payments.record, TILL, clinic_id=self.clinic, content=content, now=NOW)

    async def allocate(self, payment_id: UUID, invoice_id: UUID, amount: int | None = None) -> Payment:
        money = PositiveMoney(amount, "EUR") if amount else None
        content = AllocationContent(invoice_id=invoice_id, amount=money)
        return await self.db.atomic(payments.allocate, TILL, payment_id=payment_id, content=content, if_match=None)

    async def undo(self, allocation_id: UUID) -> Payment:
        return await self.db.atomic(payments.undo_allocation, TILL, allocation_id=allocation_id, now=NOW)

    async def refund(self, payment_id: UUID, to: Any, amount: int | None = None) -> Refund:
        content = RefundContent(to=to, amount=PositiveMoney(amount, "EUR") if amount else None)
        return await self.db.atomic(
            refunds.refund_payment, TILL, payment_id=payment_id, content=content, if_match=None, now=NOW
        )

    async def correct(self, invoice_id: UUID, *amounts: int) -> Invoice:
        lines = [LineContent(description="Discount", unit_amount=amount) for amount in amounts] or None
        content = CreditNoteContent(lines=lines)
        return await self.db.atomic(
            corrections.correct, TILL, invoice_id=invoice_id, content=content, if_match=None, now=NOW
        )

    async def credit(self) -> int:
        credit = await payments.get_credit(self.db, clinic_id=self.clinic, customer_id=self.ana)
        return sum(money.amount for money in credit.amounts)

    async def balances(self) -> dict[str, int]:
        """Return the balance of each account, debits minus credits."""
        rows = await self.db.fetch(
            """
            select side.name, sum(side.amount)::bigint as balance
              from transfer
             cross join lateral (values (debit, transfer.amount), (credit, -transfer.amount)) as side (name, amount)
             where transfer.clinic_id = $1 and stage in ('final', 'posted')
             group by side.name
            """,
            self.clinic,
        )
        return {row.name: row.balance for row in rows if row.balance}


async def reason(refused: Any) -> str:
    """Return why a use case was refused."""
    try:
        await refused
    except errors.AppointError as error:
        return error.type
    return "accepted"
