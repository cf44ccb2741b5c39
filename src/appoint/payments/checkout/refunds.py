"""Refund payments to the cards that they came from, and follow disputes."""

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from ... import audit
from ...database.pool import Database, Transaction
from ...kit import errors, ids
from ...kit.actors import Actor
from ...kit.money import Money
from .currencies import from_provider
from .model import Dispute, GatewayRefusal, GatewayUnavailable, Refund
from .port import PaymentGateway
from .repository import payments
from .repository import refunds as repository

log = structlog.get_logger()

BATCH_SIZE: Final = 50
FAILED_STATUSES: Final = ("failed", "canceled")


async def add(tx: Transaction, actor: Actor, *, payment_id: UUID, amount: Money, reason: str) -> UUID:
    """Add a refund to the payer's card, which a job then sends. The payment must have that many free cents in a row."""
    first_cent = await repository.find_free_cents(tx, payment_id, amount=amount.amount)
    assert first_cent is not None, "the payment has not been spent"
    refund_id = await repository.add(
        tx,
        payment_id=payment_id,
        amount=amount,
        first_cent=first_cent,
        destination="method",
        reason=reason,
        actor=actor.key,
    )
    await audit.record(tx, actor, clinic_id=ids.clinic_of(payment_id), subjects=[refund_id, payment_id])
    return refund_id


async def send_due(db: Database, gateway: PaymentGateway, actor: Actor, *, now: datetime) -> int:
    """Send the refunds that the provider does not know yet, and return how many it accepted. Sending one again changes
    nothing, because it has the same key."""
    count = 0
    for refund in await repository.list_unsent(db, limit=BATCH_SIZE):
        try:
            sent = await gateway.create_refund(
                refund.intent_id, refund.amount, refund_id=str(refund.id), key=f"{refund.id}:refund"
            )
        except GatewayUnavailable:
            break
        except GatewayRefusal as refusal:
            log.warning("refund refused", refund_id=str(refund.id), reason=refusal.code)
            await db.atomic(_fail, actor, refund_id=refund.id, now=now)
            continue
        await db.atomic(apply, actor, refund_id=refund.id, sent=sent, now=now)
        count += 1
    return count


async def apply(tx: Transaction, actor: Actor, *, refund_id: UUID, sent: Refund, now: datetime) -> None:
    """Record what the provider says about a refund. It can fail even after it has succeeded."""
    refund = await repository.lock(tx, refund_id)
    if refund is None or refund.destination != "method":
        return
    await repository.attach(tx, refund_id, gateway_refund_id=sent.id)
    if sent.status in FAILED_STATUSES:
        await _fail(tx, actor, refund_id=refund_id, now=now)
    elif sent.status == "succeeded" and await repository.mark_succeeded(tx, refund_id):
        await audit.record(tx, actor, clinic_id=refund.clinic_id, subjects=[refund_id])


async def _fail(tx: Transaction, actor: Actor, *, refund_id: UUID, now: datetime) -> None:
    if await repository.mark_failed(tx, refund_id, now=now):
        await audit.record(tx, actor, clinic_id=ids.clinic_of(refund_id), subjects=[refund_id])


async def apply_dispute(tx: Transaction, actor: Actor, *, payment_id: UUID, dispute: Dispute, now: datetime) -> None:
    """Record what the provider says about a dispute. While it is open and once it is lost, the disputed cents pay for
    nothing: invoices that they paid are open again."""
    payment = await payments.lock(tx, payment_id)
    if payment is None or payment.status != "succeeded":
        raise errors.NotFound
    refund_id = await repository.find_dispute(tx, payment_id, dispute_id=dispute.id)
    if refund_id is None:
        refund_id = await _open_dispute(tx, actor, payment_id, dispute, now=now)
    is_changed = (
        await repository.mark_failed(tx, refund_id, now=now)
        if dispute.outcome == "won"
        else dispute.outcome == "lost" and await repository.mark_succeeded(tx, refund_id)
    )
    if is_changed:
        await audit.record(tx, actor, clinic_id=payment.clinic_id, subjects=[refund_id, payment_id])


async def _open_dispute(tx: Transaction, actor: Actor, payment_id: UUID, dispute: Dispute, *, now: datetime) -> UUID:
    amount = from_provider(dispute.amount, dispute.currency)
    await repository.undo_invoice_allocations(tx, payment_id, now=now)
    first_cent = await repository.find_free_cents(tx, payment_id, amount=amount.amount)
    if first_cent is None:  # someone has refunded it already
        raise errors.NotFound
    refund_id = await repository.add(
        tx,
        payment_id=payment_id,
        amount=amount,
        first_cent=first_cent,
        destination="dispute",
        reason=dispute.reason,
        actor=actor.key,
        gateway_refund_id=dispute.id,
    )
    await audit.record(tx, actor, clinic_id=ids.clinic_of(payment_id), subjects=[refund_id, payment_id])
    return refund_id
