"""Refund payments to the cards that they came from, and follow disputes."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import structlog

from ... import audit
from ...database.pool import Database, Transaction
from ...events import repository as events
from ...events.facts import DisputeClosed, DisputeOpened, MoneyFact, PaymentReturned
from ...kit import errors, ids
from ...kit.actors import Actor
from ..ledger import service as ledger
from ..ledger.model import Posting
from ..payments import allocating, postings
from ..payments import refunds as books
from ..payments import repository as book_rows
from ..payments import service as paid
from ..payments.model import AppliedRule, PositiveMoney, RefundContent
from ..policies import service as policies
from .currencies import from_provider
from .model import Dispute, GatewayRefusal, GatewayUnavailable, Refund
from .port import PaymentGateway
from .repository import payments
from .repository import refunds as repository

log = structlog.get_logger()

BATCH_SIZE: Final = 50
FAILED_STATUSES: Final = ("failed", "canceled")
NOT_BOOKED: Final = "The appointment could no longer be booked."
PAID_ALREADY: Final = "The invoice had already been paid."


async def give_back(
    tx: Transaction,
    actor: Actor,
    *,
    payment_id: UUID,
    amount: int,
    now: datetime,
    reason: str = NOT_BOOKED,
    appointment_id: UUID | None = None,
) -> None:
    """Give back part of a payment that is not needed, as credit or to the payer's card, depending on the clinic's
    policy. If the reason is that an appointment could no longer be booked, append the event that makes Appoint tell
    the payer."""
    payment = await payments.lock(tx, payment_id)
    assert payment, "it has just succeeded"
    policy = await policies.get_policy(tx, payment.clinic_id)
    refund = await books.refund_payment(
        tx,
        actor,
        payment_id=payment_id,
        content=RefundContent(
            to="credit" if policy.refund_to == "credit" else "method",
            amount=PositiveMoney(amount, payment.amount.currency),
            reason=reason,
        ),
        decided_by=AppliedRule(appointment_id, None, None) if appointment_id else None,
        if_match=None,
        now=now,
    )
    if appointment_id is None:
        return
    returned = await allocating.get_payment(tx, payment_id)
    fact = PaymentReturned(returned.customer_id, appointment_id=appointment_id, refund_id=refund.id)
    await allocating.append_event(tx, "payment.returned", returned, fact)


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
    elif sent.status == "succeeded" and refund.status == "pending":
        await audit.record(tx, actor, clinic_id=refund.clinic_id, subjects=[refund_id])
        await books.complete_refund(tx, refund_id=refund_id, now=now)


async def _fail(tx: Transaction, actor: Actor, *, refund_id: UUID, now: datetime) -> None:
    """Record that a refund has failed, and correct the books if it had succeeded before."""
    before = await books.get(tx, refund_id)
    if not await repository.mark_failed(tx, refund_id, now=now):
        return
    await audit.record(tx, actor, clinic_id=ids.clinic_of(refund_id), subjects=[refund_id])
    if before.status == "succeeded":
        payment = await allocating.get_payment(tx, before.payment_id)
        rule = "deposit-gateway" if payment.deposit else "paid-gateway"
        posting = Posting(
            rule,
            before.amount.currency,
            before.amount.amount,
            payment.customer_id,
            payment_id=payment.id,
            refund_id=refund_id,
        )
        await ledger.post(tx, payment.clinic_id, [posting])


async def apply_dispute(tx: Transaction, actor: Actor, *, payment_id: UUID, dispute: Dispute, now: datetime) -> None:
    """Record what the provider says about a dispute. While it is open and once it is lost, the disputed cents pay for
    nothing: invoices that they paid are open again. Cents that have been refunded can't be disputed, so the dispute is
    recorded over what is left. Do nothing if nothing is left."""
    locked = await payments.lock(tx, payment_id)
    if locked is None or locked.status != "succeeded":
        raise errors.NotFound
    refund_id = await repository.find_dispute(tx, payment_id, dispute_id=dispute.id)
    if refund_id is None:
        refund_id = await _open_dispute(tx, actor, payment_id, dispute, now=now)
    if refund_id is None:
        return
    outcome = dispute.outcome
    is_changed = (
        await repository.mark_failed(tx, refund_id, now=now)
        if outcome == "won"
        else outcome == "lost" and await repository.mark_succeeded(tx, refund_id)
    )
    if is_changed:
        payment, refund = await allocating.get_payment(tx, payment_id), await books.get(tx, refund_id)
        await audit.record(tx, actor, clinic_id=payment.clinic_id, subjects=[refund_id, payment_id])
        await ledger.post(tx, payment.clinic_id, postings.on_dispute(payment, refund, outcome=outcome))
        fact = DisputeClosed(payment.customer_id, payment_id=payment_id, outcome="won" if outcome == "won" else "lost")
        await _append_event(tx, "dispute.closed", refund_id, fact)


async def _open_dispute(
    tx: Transaction, actor: Actor, payment_id: UUID, dispute: Dispute, *, now: datetime
) -> UUID | None:
    amount = from_provider(dispute.amount, dispute.currency)
    invoice_ids = await repository.list_paid_invoices(tx, payment_id)
    payment = await paid.lock(tx, payment_id, None, invoices=invoice_ids)
    for invoice_id in invoice_ids:
        for allocation in await book_rows.list_allocations(tx, invoice_id=invoice_id):
            if allocation.payment_id == payment_id:
                await allocating.undo(tx, payment=payment, allocation=allocation, now=now)
    payment = await allocating.get_payment(tx, payment_id)
    disputed = min(amount.amount, payment.free.amount)
    if not disputed:
        return None
    refund = await books.take_out(
        tx,
        actor,
        payment=payment,
        amount=disputed,
        destination="dispute",
        status="pending",
        reason=dispute.reason or None,
    )
    await repository.attach(tx, refund.id, gateway_refund_id=dispute.id)
    await audit.record(tx, actor, clinic_id=payment.clinic_id, subjects=[refund.id, payment_id])
    await ledger.post(tx, payment.clinic_id, postings.on_dispute(payment, refund, outcome="opened"))
    await _append_event(tx, "dispute.opened", refund.id, DisputeOpened(payment.customer_id, payment_id=payment_id))
    return refund.id


async def _append_event(tx: Transaction, type: str, refund_id: UUID, fact: MoneyFact) -> None:
    """Append an event about a refund in its current version."""
    refund = await books.get(tx, refund_id)
    await events.append_event(
        tx,
        clinic_id=refund.clinic_id,
        type=type,
        subject_id=str(refund_id),
        subject_version=refund.version,
        data=msgspec.json.encode(fact).decode(),
    )
