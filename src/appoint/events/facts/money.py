"""Facts about invoices, payments and refunds. Amounts are only in the API, for callers who may see them."""

from typing import Literal
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


class PaymentFailed(MoneyFact):
    """A payment was not made before its page closed."""

    booking_id: UUID | None = None


class PaymentReturned(MoneyFact):
    """A payment arrived after its hold had expired, and the time was taken. The clinic refunds it."""

    appointment_id: UUID
    """The first appointment that could no longer be booked."""
    refund_id: UUID


class DisputeOpened(MoneyFact):
    """A cardholder's bank disputes a payment. The subject is the refund that it becomes if the clinic loses."""

    payment_id: UUID


class DisputeClosed(MoneyFact):
    """A bank has decided a dispute."""

    payment_id: UUID
    outcome: Literal["won", "lost"]


class RefundSucceeded(MoneyFact):
    """A refund was paid out."""

    payment_id: UUID


class CreditGranted(MoneyFact):
    """A customer received credit."""


class CreditSpent(MoneyFact):
    """A customer's credit paid for an invoice."""

    invoice_id: UUID
