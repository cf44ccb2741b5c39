"""Sums of invoices and payments, for staff."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from ...kit.money import Money
from ..payments.model import Method


class InvoiceTotals(NamedTuple):
    """A clinic's invoices in one currency. Overdue invoices count as open, too."""

    currency: str
    draft_count: int
    draft_amount: int
    open_count: int
    open_amount: int
    overdue_count: int
    overdue_amount: int

    @property
    def drafts(self) -> Money:
        return Money(self.draft_amount, self.currency)

    @property
    def open(self) -> Money:
        return Money(self.open_amount, self.currency)

    @property
    def overdue(self) -> Money:
        return Money(self.overdue_amount, self.currency)


class InvoiceAllocation(NamedTuple):
    """Part of a payment that pays an invoice."""

    allocation_id: UUID
    payment_id: UUID
    method: Method
    amount: Money
    created_at: datetime
    undone_at: datetime | None
    receipt_number: str | None
    credit_note_id: UUID | None
    credit_note_number: str | None


class Takings(NamedTuple):
    """Payments by one method, and refunds by the same method."""

    method: Method
    payment_count: int
    received: Money
    refunded: Money

    @property
    def balance(self) -> Money:
        """The difference, which is negative if more was refunded."""
        return Money(self.received.amount - self.refunded.amount, self.received.currency)


class MonthTotals(NamedTuple):
    """A month's documents and payments in one currency."""

    since: date
    """The month's first day."""
    currency: str
    issued: int
    corrected: int
    """The total of the month's credit notes."""
    tax: int
    paid: int
    refunded: int
    open: int
    """The part of the invoices issued in this month that has not been paid yet."""


class TypeTotals(NamedTuple):
    """An appointment type's invoice lines in one currency."""

    name: str | None
    """None for lines without an appointment."""
    currency: str
    line_count: int
    issued: int
