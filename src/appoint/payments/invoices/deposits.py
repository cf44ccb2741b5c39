"""Pay invoices with the deposits for their appointments."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ...database.pool import Transaction
from ...kit.actors import Actor
from ..billing import repository as billing
from ..billing.assessment import share_of_deposits
from ..payments import allocating
from ..payments import repository as payments
from .model import Invoice


class DepositShare(NamedTuple):
    """The part of a deposit that is for the appointments on an invoice."""

    payment_id: UUID
    amount: int


async def lock_shares(tx: Transaction, invoice: Invoice) -> list[DepositShare]:
    """Lock the deposits for the appointments on an invoice, and return the shares that can pay it."""
    if invoice.kind != "invoice":
        return []
    billed = [await billing.find_facts(tx, id) for id in {line.appointment_id for line in invoice.lines} if id]
    shares: dict[UUID, int] = {}
    for facts in billed:
        if facts and facts.currency == invoice.total.currency:
            for deposit, share in await share_of_deposits(tx, facts):
                shares[deposit.id] = shares.get(deposit.id, 0) + share
    if shares:
        await payments.lock(tx, invoice.clinic_id, payments=sorted(shares), invoices=[])
    return [DepositShare(payment_id, amount) for payment_id, amount in sorted(shares.items()) if amount]


async def pay_with(tx: Transaction, actor: Actor, invoice: Invoice, shares: Sequence[DepositShare]) -> None:
    """Pay a newly issued invoice from its shares of deposits."""
    left = invoice.open.amount
    for share in shares:
        payment = await allocating.get_payment(tx, share.payment_id)
        if amount := min(left, share.amount, payment.free.amount):
            await allocating.allocate(tx, actor, payment=payment, invoice_id=invoice.id, amount=amount)
            left -= amount
