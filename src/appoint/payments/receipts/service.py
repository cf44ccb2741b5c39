"""Receipts for payments: freeze what they say, render them, and find their PDFs.

A receipt says what the payment paid when it was first rendered or shown, which is seconds after the payment succeeded.
If the payment is moved to other invoices later, its receipt stays as it is. A receipt can only be read within its
clinic, because it names the patient as the clinic knows them.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import structlog

from ...clinics.clinics import service as clinics
from ...clinics.clinics.model import Clinic
from ...customers import service as customers
from ...database.pool import Database, Statements, Transaction
from ...events.model import Event
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ...kit.regions import language_tag
from ..documents.model import PaidInvoice, Receipt, document_party
from ..documents.repository import StoredPdf
from ..documents.service import BATCH_SIZE, RETRY_INTERVAL
from ..documents.wording import receipt_sheet
from ..invoices import service as invoices
from ..invoices.model import Invoice
from ..parties import Party
from ..payments import service as payments
from ..payments.model import Payment
from ..sellers import service as sellers
from . import repository

log = structlog.get_logger()


async def request_receipts(tx: Transaction, events: Sequence[Event]) -> None:
    """Event subscriber: have the receipts of payments that have just succeeded rendered."""
    for event in events:
        if event.type == "payment.succeeded":
            await repository.request(tx, UUID(event.subject_id))


async def render_due(db: Database, *, now: datetime) -> int:
    """Render the receipts that are due, and return how many succeeded. Retry failed ones an hour later."""
    count = 0
    for payment_id in await repository.list_due(db, now=now, limit=BATCH_SIZE):
        try:
            await get_pdf(db.within(clinic_of(payment_id)), payment_id)
            count += 1
        except errors.Unavailable:
            raise
        except Exception:
            log.exception("receipt not rendered", payment_id=str(payment_id))
            await repository.postpone(db, payment_id, due_at=now + RETRY_INTERVAL)
    return count


async def get_receipt(db: Database, payment_id: UUID) -> Receipt:
    """Return what a payment's receipt says. Raise `NotFound` for an unknown payment, or one without a receipt."""
    stored = await repository.find(db, payment_id)
    return stored.document if stored and stored.document else await db.atomic(_freeze, payment_id)


async def _freeze(tx: Transaction, payment_id: UUID) -> Receipt:
    """Freeze what a receipt says, unless another request was faster."""
    document = await _compose(tx, payment_id)
    await repository.request(tx, payment_id)
    await repository.freeze(tx, payment_id, document)
    frozen = await repository.find(tx, payment_id)
    assert frozen, "just requested"
    assert frozen.document, "just frozen"
    return frozen.document


async def get_pdf(db: Database, payment_id: UUID) -> StoredPdf:
    """Return a payment's receipt as a PDF. Render it now if the worker has not done so yet. Raise `NotFound` as
    `get_receipt` does."""
    # imported here, so that only processes that render load fonts and fpdf2
    from ..documents.pdf import render  # noqa: PLC0415

    receipt = await get_receipt(db, payment_id)
    customer_id = (await payments.get(db, payment_id)).customer_id
    stored = await repository.find(db, payment_id)
    if stored and stored.hash and stored.content:
        return StoredPdf(stored.hash, stored.content, receipt.number, customer_id)
    content = await asyncio.to_thread(render, receipt_sheet(receipt), receipt.paid_on)
    pdf = StoredPdf(sha256(content).hexdigest(), content, receipt.number, customer_id)
    await repository.store_pdf(db, payment_id, hash=pdf.hash, content=content)
    return pdf


async def _compose(db: Statements, payment_id: UUID) -> Receipt:
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
        seller=document_party(await sellers.get_party(db, clinic)),
        buyer=document_party(Party(name=patient.name, address=patient.postal_address)),
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
