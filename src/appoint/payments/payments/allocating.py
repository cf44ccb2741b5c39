"""Pay invoices with payments, and undo it. Callers have locked both."""

from datetime import datetime
from uuid import UUID

import msgspec

from ...database.pool import Transaction
from ...events import repository as events
from ...events.facts import CreditSpent, InvoiceSettled, MoneyFact
from ...kit import errors
from ...kit.actors import Actor
from ...kit.money import MAX_AMOUNT
from ..invoices import repository as invoices
from ..ledger import service as ledger
from . import postings, repository
from .model import Payment


async def get_payment(tx: Transaction, payment_id: UUID) -> Payment:
    if payment := await repository.find(tx, payment_id):
        return payment
    raise errors.NotFound


async def allocate(
    tx: Transaction, actor: Actor, *, payment: Payment, invoice_id: UUID, amount: int | None, required: bool = True
) -> int:
    """Pay an invoice with `amount` of a payment's free cents, or with as much as possible. Return what it paid.

    Raise `Conflict`: `not-enough` if the payment has less left or the invoice needs less, `currency-differs`, or
    `invoice-draft`. Raise `NotFound` for an unknown invoice.
    """
    invoice = await invoices.find(tx, invoice_id)
    if invoice is None or invoice.clinic_id != payment.clinic_id or invoice.kind != "invoice":
        raise errors.NotFound
    if invoice.status == "draft":
        raise errors.Conflict("invoice-draft")
    if invoice.total.currency != payment.amount.currency:
        raise errors.Conflict("currency-differs")
    pieces = await repository.allocate(
        tx,
        payment_id=payment.id,
        invoice_id=invoice_id,
        currency=payment.amount.currency,
        amount=MAX_AMOUNT if amount is None else amount,
        actor=actor.key,
    )
    paid = sum(piece.amount for piece in pieces)
    if paid != (amount or paid) or (required and not paid):
        raise errors.Conflict("not-enough")
    await ledger.post(
        tx,
        payment.clinic_id,
        [
            posting
            for piece in pieces
            for posting in postings.on_allocation(
                payment, invoice_id=invoice_id, allocation_id=piece.id, amount=piece.amount
            )
        ],
    )
    if paid and payment.method == "credit":
        await append_event(tx, "credit.spent", payment, CreditSpent(payment.customer_id, invoice_id=invoice_id))
    if paid and paid == invoice.open.amount:
        settled = await invoices.find(tx, invoice_id)
        assert settled
        await events.append_event(
            tx,
            clinic_id=invoice.clinic_id,
            type="invoice.settled",
            subject_id=str(invoice_id),
            subject_version=settled.version,
            data=msgspec.json.encode(InvoiceSettled(invoice.customer_id)).decode(),
        )
    return paid


async def undo(tx: Transaction, *, payment: Payment, allocation: repository.AllocationRow, now: datetime) -> None:
    """Free an allocation's cents on both sides. Raise `NotFound` if it has been undone already."""
    if not await repository.undo(tx, allocation.id, now=now):
        raise errors.NotFound
    assert allocation.invoice_id
    await ledger.post(
        tx,
        payment.clinic_id,
        postings.on_undo(
            payment, invoice_id=allocation.invoice_id, allocation_id=allocation.id, amount=allocation.amount
        ),
    )


async def append_event(tx: Transaction, type: str, payment: Payment, fact: MoneyFact) -> None:
    """Append an event about a payment in its current version."""
    current = await repository.find(tx, payment.id)
    assert current
    await events.append_event(
        tx,
        clinic_id=payment.clinic_id,
        type=type,
        subject_id=str(payment.id),
        subject_version=current.version,
        data=msgspec.json.encode(fact).decode(),
    )
