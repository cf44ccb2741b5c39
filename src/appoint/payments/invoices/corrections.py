"""Correct issued invoices by credit notes."""

from datetime import datetime
from uuid import UUID

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Transaction
from ...events.facts import InvoiceCorrected
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ..payments import allocating
from ..payments import repository as payments
from . import repository, service
from .model import CreditNoteContent, Invoice, InvoiceContent, with_tax_of


async def correct(
    tx: Transaction,
    actor: Actor,
    *,
    invoice_id: UUID,
    content: CreditNoteContent,
    if_match: str | None,
    now: datetime,
) -> Invoice:
    """Issue a credit note for an invoice. It pays as much of the invoice as it takes back.

    If that part was paid already, the payments are freed as far as necessary, newest first, so that their cents can be
    refunded or spent on something else. Raise `NotFound`, or a `Conflict`: `invoice-draft`, or `not-enough` if credit
    notes would take back more than the invoice's total.
    """
    clinic_id = clinic_of(invoice_id)
    paying = {allocation.payment_id for allocation in await payments.list_allocations(tx, invoice_id=invoice_id)}
    await payments.lock(tx, clinic_id, payments=sorted(paying), invoices=[invoice_id])
    allocations = await payments.list_allocations(tx, invoice_id=invoice_id)
    invoice = await service.get(tx, invoice_id)
    await clinics.check_version(tx, clinic_id, if_match=if_match, version=invoice.version)
    if invoice.kind != "invoice":
        raise errors.NotFound
    if invoice.status == "draft":
        raise errors.Conflict("invoice-draft")
    note = await service.create(
        tx,
        clinic_id=clinic_id,
        content=InvoiceContent(
            customer_id=invoice.customer_id,
            currency=invoice.total.currency,
            language=invoice.language,
            note=content.reason,
            lines=[with_tax_of(invoice, line) for line in content.lines or service.contents_of(invoice)],
        ),
        kind="creditNote",
        corrects_id=invoice_id,
        prices_include_tax=invoice.lines[0].includes_tax,
        now=now,
    )
    assert note
    if not 0 < note.total.amount <= invoice.total.amount - await repository.corrected_total(tx, invoice_id):
        raise errors.Conflict("not-enough")
    note = await service.issue_draft(tx, note, now=now)
    await audit.record(
        tx, actor, clinic_id=clinic_id, subjects=[invoice_id, invoice.customer_id], reason=content.reason
    )
    await _apply(tx, actor, invoice, note, allocations, now=now)
    corrected = await service.get(tx, invoice_id)
    await service.append_event(
        tx, "invoice.corrected", corrected, InvoiceCorrected(invoice.customer_id, credit_note_id=note.id)
    )
    return note


async def _apply(
    tx: Transaction,
    actor: Actor,
    invoice: Invoice,
    note: Invoice,
    allocations: list[payments.AllocationRow],
    *,
    now: datetime,
) -> None:
    """Pay the invoice with the credit note, after making room for it."""
    room, freed = invoice.open.amount, list[UUID]()
    for allocation in allocations:
        if room >= note.total.amount:
            break
        payment = await allocating.get_payment(tx, allocation.payment_id)
        if payment.method != "creditNote":
            await allocating.undo(tx, payment=payment, allocation=allocation, now=now)
            room += allocation.amount
            freed.append(payment.id)
    payment_id = await payments.add(
        tx,
        invoice.clinic_id,
        method="creditNote",
        status="succeeded",
        customer_id=invoice.customer_id,
        amount=note.total,
        now=now,
        credit_note_id=note.id,
    )
    payment = await allocating.get_payment(tx, payment_id)
    await allocating.allocate(tx, actor, payment=payment, invoice_id=invoice.id, amount=note.total.amount)
    for freed_id in dict.fromkeys(freed):
        payment = await allocating.get_payment(tx, freed_id)
        await allocating.allocate(tx, actor, payment=payment, invoice_id=invoice.id, amount=None, required=False)
