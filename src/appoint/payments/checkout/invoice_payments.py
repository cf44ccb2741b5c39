"""Pay an invoice with a payment by card that has just succeeded."""

from datetime import datetime
from uuid import UUID

from ...database.pool import Transaction
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ..payments import allocating
from ..payments import repository as book_rows
from . import refunds


async def pay(tx: Transaction, actor: Actor, *, payment_id: UUID, invoice_id: UUID, now: datetime) -> None:
    """Pay as much of the invoice as is left to pay, and return the rest of the payment. There is a rest if someone paid
    in a different way while the provider's page was open."""
    await book_rows.lock(tx, clinic_of(invoice_id), payments=[payment_id], invoices=[invoice_id])
    payment = await allocating.get_payment(tx, payment_id)
    paid = await allocating.allocate(tx, actor, payment=payment, invoice_id=invoice_id, amount=None, required=False)
    if rest := payment.free.amount - paid:
        await refunds.give_back(tx, actor, payment_id=payment_id, amount=rest, now=now, reason=refunds.PAID_ALREADY)
