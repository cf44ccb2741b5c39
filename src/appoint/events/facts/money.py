"""Facts about invoices, payments and refunds. Amounts are only in the API, for callers who may see them."""

from uuid import UUID

from .base import Fact


class MoneyFact(Fact):
    customer_id: UUID


class InvoiceIssued(MoneyFact):
    """A clinic issued an invoice."""


class InvoiceSettled(MoneyFact):
    """Nothing is left to pay on an invoice."""


class InvoiceCorrected(MoneyFact):
    """A clinic issued a credit note for an invoice."""

    credit_note_id: UUID


class PaymentSucceeded(MoneyFact):
    """A payment succeeded."""

    booking_id: UUID | None = None


class RefundSucceeded(MoneyFact):
    """A refund was paid out."""

    payment_id: UUID


class CreditGranted(MoneyFact):
    """A customer received credit."""


class CreditSpent(MoneyFact):
    """A customer's credit paid for an invoice."""

    invoice_id: UUID
