"""Send invoices and credit notes when staff ask for it: by email or, for patients with only a mobile number, by text
message with the link to the invoice."""

from datetime import datetime
from uuid import UUID

from ... import audit
from ...customers import service as customers
from ...customers.model import Patient
from ...database.pool import Transaction
from ...kit import errors, phones
from ...kit.actors import Actor
from ...payments.invoices import service as invoices
from ...payments.invoices.model import Invoice
from ..channels.model import Channel
from .model import NOTICE_TTL
from .repository import notices


async def send(tx: Transaction, actor: Actor, *, invoice_id: UUID, now: datetime) -> Invoice:
    """Queue the message with an invoice or credit note, even if it has been sent before.

    Raise `NotFound`, or a `Conflict`: `invoice-draft`, `no-email-address` or, if text messages cannot reach the
    patient's only phone number, `landline-only`.
    """
    invoice = await invoices.get(tx, invoice_id)
    if invoice.status == "draft":
        raise errors.Conflict("invoice-draft")
    patient = await customers.get_patient(tx, invoice.clinic_id, invoice.customer_id)
    channel = channel_for(patient, invoice)
    if channel is None:
        is_landline = invoice.kind == "invoice" and patient.phone
        raise errors.Conflict("landline-only" if is_landline else "no-email-address")
    await notices.insert_requested_document(
        tx,
        clinic_id=invoice.clinic_id,
        kind="invoice" if invoice.kind == "invoice" else "credit-note",
        subject_id=str(invoice_id),
        customer_id=invoice.customer_id,
        channel=channel,
        now=now,
        expires_at=now + NOTICE_TTL,
    )
    await audit.record(tx, actor, clinic_id=invoice.clinic_id, subjects=[invoice_id, invoice.customer_id])
    return invoice


def channel_for(patient: Patient, invoice: Invoice) -> Channel | None:
    """Return how a patient can receive a document, or None if they cannot. Credit notes have no link to send by text
    message."""
    if patient.email:
        return "email"
    return "sms" if invoice.kind == "invoice" and patient.phone and phones.is_mobile(patient.phone) else None
