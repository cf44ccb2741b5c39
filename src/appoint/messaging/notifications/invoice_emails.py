"""Email invoices and credit notes when staff ask for it."""

from datetime import datetime
from uuid import UUID

from ... import audit
from ...customers import service as customers
from ...database.pool import Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...payments.invoices import service as invoices
from ...payments.invoices.model import Invoice
from .model import NOTICE_TTL
from .repository import notices


async def send(tx: Transaction, actor: Actor, *, invoice_id: UUID, now: datetime) -> Invoice:
    """Queue the email with an invoice or credit note, even if it has been sent before.

    Raise `NotFound`, or a `Conflict`: `invoice-draft`, or `no-email-address` if the patient has none.
    """
    invoice = await invoices.get(tx, invoice_id)
    if invoice.status == "draft":
        raise errors.Conflict("invoice-draft")
    patient = await customers.get_patient(tx, invoice.clinic_id, invoice.customer_id)
    if patient.email is None:
        raise errors.Conflict("no-email-address")
    await notices.insert_requested_document(
        tx,
        clinic_id=invoice.clinic_id,
        kind="invoice" if invoice.kind == "invoice" else "credit-note",
        subject_id=str(invoice_id),
        customer_id=invoice.customer_id,
        now=now,
        expires_at=now + NOTICE_TTL,
    )
    await audit.record(tx, actor, clinic_id=invoice.clinic_id, subjects=[invoice_id, invoice.customer_id])
    return invoice
