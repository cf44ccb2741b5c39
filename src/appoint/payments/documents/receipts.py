"""Receipts for payments."""

from uuid import UUID

from ...clinics.clinics import service as clinics
from ...clinics.clinics.model import Clinic
from ...customers import service as customers
from ...database.pool import Statements
from ...kit import clock, errors
from ...kit.regions import language_tag
from ..invoices import service as invoices
from ..invoices.model import Invoice
from ..payments import service as payments
from ..payments.model import Payment
from .model import PaidInvoice, PartySnapshot, Receipt


async def get_receipt(db: Statements, payment_id: UUID) -> Receipt:
    """Return a payment's receipt. Raise `NotFound` for an unknown payment, or one without a receipt."""
    payment = await payments.get(db, payment_id)
    if payment.receipt_number is None or payment.succeeded_at is None:
        raise errors.NotFound
    clinic = await clinics.get(db, payment.clinic_id)
    patient = await customers.get_patient(db, payment.clinic_id, payment.customer_id)
    paid = _sums(payment)
    documents = [await invoices.get(db, invoice_id) for invoice_id in paid]
    return Receipt(
        number=payment.receipt_number,
        paid_on=clock.local_date(payment.succeeded_at, clinic.time_zone),
        language=language_tag(patient.locale or clinic.locale, None, clinic.time_zone),
        currency=payment.amount.currency,
        seller=PartySnapshot(clinic.name, clinic.address, email=clinic.email, phone=clinic.phone).party(),
        buyer=PartySnapshot(patient.name).party(),
        amount=payment.amount.amount,
        method=payment.method,
        invoices=tuple(_paid_invoice(invoice, paid[invoice.id], clinic) for invoice in documents),
    )


def _sums(payment: Payment) -> dict[UUID, int]:
    """Return how much of each invoice the payment pays."""
    sums: dict[UUID, int] = {}
    for allocation in payment.allocations:
        if allocation.invoice_id and not allocation.undone_at:
            sums[allocation.invoice_id] = sums.get(allocation.invoice_id, 0) + allocation.amount
    return sums


def _paid_invoice(invoice: Invoice, amount: int, clinic: Clinic) -> PaidInvoice:
    assert invoice.number, "only issued invoices are paid"
    assert invoice.issued_at, "only issued invoices are paid"
    return PaidInvoice(
        number=invoice.number, issued_on=clock.local_date(invoice.issued_at, clinic.time_zone), amount=amount
    )
