"""Put a card payment that has just succeeded towards its invoice."""

from datetime import datetime
from uuid import UUID

from ...database.pool import Transaction
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ..payments import allocating
from ..payments import repository as book_rows
from . import refunds


async def pay(tx: Transaction, actor: Actor, *, payment_id: UUID, invoice_id: UUID, now: datetime) -> None:
    """Pay what is left of the invoice, and return any surplus. There is one if someone paid in another way while the
    provider's page was open."""
    await book_rows.lock(tx, clinic_of(invoice_id), payments=[payment_id], invoices=[invoice_id])
    payment = await allocating.get_payment(tx, payment_id)
    paid = await allocating.allocate(tx, actor, payment=payment, invoice_id=invoice_id, amount=None, required=False)
    if rest := payment.free.amount - paid:
        await refunds.give_back(tx, actor, payment_id=payment_id, amount=rest, now=now, reason=refunds.PAID_ALREADY)
