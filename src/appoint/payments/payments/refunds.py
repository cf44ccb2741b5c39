"""Refund what is left of payments: to credit, or the way the customer paid."""

from datetime import datetime
from uuid import UUID

import msgspec

from ... import audit
from ...database.pool import Statements, Transaction
from ...events import repository as events
from ...events.facts import CreditGranted, RefundSucceeded
from ...kit import errors
from ...kit.actors import Actor
from ...kit.money import Money
from ..ledger import service as ledger
from . import postings, repository
from .allocating import append_event, get_payment
from .model import AppliedRule, Payment, Refund, RefundContent
from .service import lock


async def get(db: Statements, refund_id: UUID) -> Refund:
    """Return a refund, or raise `NotFound`."""
    if refund := await repository.find_refund(db, refund_id):
        return refund
    raise errors.NotFound


async def refund_payment(
    tx: Transaction,
    actor: Actor,
    *,
    payment_id: UUID,
    content: RefundContent,
    decided_by: AppliedRule | None = None,
    if_match: str | None,
    now: datetime,
) -> Refund:
    """Refund part of a payment, or all that is left of it. A refund of a card payment is pending until the payment
    provider has made it. `decided_by` says which appointment it settles, if it settles one.

    Raise `NotFound`, or a `Conflict`: `currency-differs`, or `refund-too-large` if the payment has less left, or if it
    cannot be refunded in this way, because it is a credit note, or credit that should become credit.
    """
    payment = await lock(tx, payment_id, if_match)
    if content.amount and content.amount.currency != payment.amount.currency:
        raise errors.Conflict("currency-differs")
    amount = content.amount.amount if content.amount else payment.free.amount
    impossible = (
        payment.method == "creditNote"
        or (payment.method in ("credit", "goodwill") and content.to == "credit")
        or (payment.method == "goodwill" and content.to == "method")
    )
    if impossible or not 0 < amount <= payment.free.amount:
        raise errors.Conflict("refund-too-large")
    await audit.record(tx, actor, clinic_id=payment.clinic_id, subjects=[payment_id], reason=content.reason)
    is_pending = payment.method == "card" and content.to == "method"
    refund = await take_out(
        tx,
        actor,
        payment=payment,
        amount=amount,
        destination=content.to,
        status="pending" if is_pending else "succeeded",
        reason=content.reason,
        decided_by=decided_by,
    )
    if not is_pending:
        await _complete(tx, payment, refund, now=now)
    return refund


async def complete_refund(tx: Transaction, *, refund_id: UUID, now: datetime) -> None:
    """Record that the payment provider has made a pending refund. Do nothing if it is no longer pending."""
    refund = await get(tx, refund_id)
    payment = await lock(tx, refund.payment_id, None)
    if await repository.change_refund_status(tx, refund_id, "succeeded"):
        await _complete(tx, payment, refund, now=now)


async def take_out(
    tx: Transaction,
    actor: Actor,
    *,
    payment: Payment,
    amount: int,
    destination: str,
    status: str,
    reason: str | None,
    decided_by: AppliedRule | None = None,
) -> Refund:
    """Take free cents out of a locked payment. Raise a `refund-too-large` `Conflict` if it has less left."""
    money = Money(amount, payment.amount.currency)
    refund_id = await repository.add_refund(
        tx, payment.id, amount=money, destination=destination, status=status, reason=reason, decided_by=decided_by
    )
    pieces = await repository.allocate(
        tx,
        payment_id=payment.id,
        refund_id=refund_id,
        currency=money.currency,
        amount=amount,
        actor=actor.key,
    )
    if sum(piece.amount for piece in pieces) != amount:
        raise errors.Conflict("refund-too-large")
    return await get(tx, refund_id)


async def _complete(tx: Transaction, payment: Payment, refund: Refund, *, now: datetime) -> None:
    await ledger.post(tx, payment.clinic_id, postings.on_refund(payment, refund))
    if refund.destination == "credit":
        credit_id = await repository.add(
            tx,
            payment.clinic_id,
            method="credit",
            status="succeeded",
            customer_id=payment.customer_id,
            amount=refund.amount,
            now=now,
            refund_id=refund.id,
        )
        credit = await get_payment(tx, credit_id)
        await append_event(tx, "credit.granted", credit, CreditGranted(payment.customer_id))
    else:
        await events.append_event(
            tx,
            clinic_id=payment.clinic_id,
            type="refund.succeeded",
            subject_id=str(refund.id),
            subject_version=refund.version,
            data=msgspec.json.encode(RefundSucceeded(payment.customer_id, payment_id=payment.id)).decode(),
        )
