"""Pay invoices with what is left of a patient's earlier payments."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ..totals import repository as totals
from . import allocating, repository, service
from .model import Payment


class InvoiceAmount(NamedTuple):
    """An amount owed on an invoice or paid towards it, in minor units."""

    invoice_id: UUID
    amount: int


def share_out(amount: int, owed: Iterable[InvoiceAmount]) -> list[InvoiceAmount]:
    """Return how much of an amount goes to each invoice, in this order. No invoice gets more than is owed on it."""
    shares: list[InvoiceAmount] = []
    for invoice_id, open_amount in owed:
        if part := min(amount, open_amount):
            shares.append(InvoiceAmount(invoice_id, part))
            amount -= part
    return shares


async def list_unspent(db: Statements, *, clinic_id: int, customer_id: UUID) -> Sequence[Payment]:
    """Return a patient's payments that have something left, oldest first: credit, deposits, and payments that do not
    pay invoices yet."""
    return await totals.list_unspent(db, clinic_id, customer_id)


async def spend(
    tx: Transaction, actor: Actor, *, clinic_id: int, customer_id: UUID, currency: str, owed: Sequence[InvoiceAmount]
) -> int:
    """Pay invoices, in this order, with what is left of a patient's payments, oldest first. Return how much was paid.

    Raise a `not-enough` `Conflict` if nothing could be paid.
    """
    unspent = [
        payment.id
        for payment in await totals.list_unspent(tx, clinic_id, customer_id)
        if payment.free.currency == currency
    ]
    invoice_ids = [share.invoice_id for share in owed]
    await repository.lock(tx, clinic_id, payments=unspent, invoices=invoice_ids)
    left, paid = {share.invoice_id: share.amount for share in owed}, 0
    for payment_id in unspent:
        free = (await allocating.get_payment(tx, payment_id)).free.amount
        for invoice_id in invoice_ids:
            part = min(free, left[invoice_id])
            if part:
                await allocating.allocate(
                    tx,
                    actor,
                    payment=await allocating.get_payment(tx, payment_id),
                    invoice_id=invoice_id,
                    amount=part,
                )
                free, left[invoice_id], paid = free - part, left[invoice_id] - part, paid + part
    if not paid:
        raise errors.Conflict("not-enough")
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[customer_id, *invoice_ids])
    return paid


async def release(tx: Transaction, actor: Actor, *, payment_id: UUID, now: datetime) -> Payment:
    """Remove a payment from all the invoices it pays. Raise `NotFound` for an unknown payment or a credit note, or a
    `not-enough` `Conflict` if it pays no invoice."""
    payment = await service.get(tx, payment_id)
    if payment.method == "creditNote":
        raise errors.NotFound
    invoice_ids = {each.invoice_id for each in payment.allocations if each.invoice_id and not each.undone_at}
    payment = await service.lock(tx, payment_id, None, invoices=sorted(invoice_ids))
    pieces = [each for each in payment.allocations if each.invoice_id in invoice_ids and not each.undone_at]
    if not pieces:
        raise errors.Conflict("not-enough")
    await audit.record(tx, actor, clinic_id=payment.clinic_id, subjects=[payment_id, *sorted(invoice_ids)])
    for piece in pieces:
        if allocation := await repository.find_allocation(tx, piece.id):
            await allocating.undo(tx, payment=payment, allocation=allocation, now=now)
    return await allocating.get_payment(tx, payment_id)
