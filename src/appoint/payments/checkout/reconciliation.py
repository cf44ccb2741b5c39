"""Compare our books with the payment provider's, repair what a lost event would have changed, and report the rest."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from ...database.pool import Database, Statements
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ...kit.money import Money
from . import refunds, service
from .currencies import UnsupportedAmount, from_provider
from .events import find_disputed, own_id
from .links import PaymentLinks
from .model import Dispute, GatewayRefusal, PaymentIntent, Refund
from .port import PaymentGateway
from .repository import drifts, payments
from .repository import refunds as refund_rows
from .repository.drifts import Drift, DriftKind

log = structlog.get_logger()

PERIOD: Final = timedelta(days=4)
"""How far back to look. Longer than the provider keeps trying to deliver an event."""
PAGE_TIME: Final = timedelta(days=1)
"""How long before a payment its intent may have been created."""
SETTLING_TIME: Final = timedelta(minutes=10)
"""Younger objects may still change."""


class ReconciliationContext(NamedTuple):
    """Ours and the provider's."""

    db: Database
    gateway: PaymentGateway
    actor: Actor
    links: PaymentLinks
    now: datetime


async def reconcile(books: ReconciliationContext) -> list[Drift]:
    """Repair and report the differences between both books, and return all that were found. Raise
    `GatewayUnavailable`."""
    differences = [
        *await _compare_payments(books),
        *await _compare_refunds(books),
        *await _compare_disputes(books),
    ]
    await drifts.save(books.db, differences, now=books.now)
    for drift in differences:
        log.warning(
            "books differ", kind=drift.kind, gateway_id=drift.gateway_id, clinic_id=drift.clinic_id,
            repaired=drift.repaired,
        )  # fmt: skip
    return differences


def _is_settled(created: int, books: ReconciliationContext) -> bool:
    return created <= (books.now - SETTLING_TIME).timestamp()


def _amount(amount: int, currency: str) -> Money | None:
    try:
        return from_provider(amount, currency)
    except UnsupportedAmount:
        return None


async def _compare_payments(books: ReconciliationContext) -> list[Drift]:
    since = books.now - PERIOD
    provider_ids = set[str]()
    differences: list[Drift] = []
    async for intent in books.gateway.list_intents(since=since - PAGE_TIME):
        provider_ids.add(intent.id)
        payment_id = own_id(intent.metadata.get("payment_id"))
        if payment_id and _is_settled(intent.created, books) and (drift := await _check(books, payment_id, intent)):
            differences.append(drift)
    return differences + [
        Drift(clinic_of(payment.id), "payment-not-collected", payment.intent_id, payment.id, repaired=False)
        for payment in await payments.list_succeeded(books.db, since=since, until=books.now - SETTLING_TIME)
        if payment.intent_id not in provider_ids
    ]


async def _check(books: ReconciliationContext, payment_id: UUID, intent: PaymentIntent) -> Drift | None:
    """Compare a payment with its intent."""

    def drift(kind: DriftKind, *, repaired: bool = False) -> Drift:
        return Drift(clinic_of(payment_id), kind, intent.id, payment_id, repaired)

    payment = await payments.find(books.db, payment_id)
    if payment is None:
        return drift("payment-unknown") if intent.status == "succeeded" else None
    if intent.status != "succeeded":
        is_ours = payment.status == "succeeded" and payment.intent_id == intent.id
        return drift("payment-not-collected") if is_ours else None
    if _amount(intent.amount_received, intent.currency) != payment.amount:
        return drift("amount-differs")
    if payment.status == "succeeded":
        # a second charge for the same payment
        return drift("payment-unknown") if payment.intent_id != intent.id else None
    try:
        settled = await service.settle(
            books.db, books.gateway, books.actor, payment_id=payment_id, links=books.links, now=books.now
        )
    except GatewayRefusal:
        return drift("payment-not-recorded")
    return drift("payment-not-recorded", repaired=settled.status == "succeeded")


async def _compare_refunds(books: ReconciliationContext) -> list[Drift]:
    since = books.now - PERIOD
    provider_ids = set[str]()
    differences: list[Drift] = []
    async for sent in books.gateway.list_refunds(since=since):
        provider_ids.add(sent.id)
        if _is_settled(sent.created, books) and (drift := await _check_refund(books, sent)):
            differences.append(drift)
    return differences + [
        Drift(refund.clinic_id, "refund-not-made", refund.gateway_refund_id, refund.payment_id, repaired=False)
        for refund in await refund_rows.list_sent(books.db, since=since, until=books.now - SETTLING_TIME)
        if refund.gateway_refund_id and refund.gateway_refund_id not in provider_ids
    ]


async def _check_refund(books: ReconciliationContext, sent: Refund) -> Drift | None:
    refund_id = own_id(sent.metadata.get("refund_id"))
    refund = refund_id and await refund_rows.find(books.db, refund_id)
    if not refund:
        return await _check_foreign_refund(books, sent)
    if _amount(sent.amount, sent.currency) != refund.amount:
        return Drift(refund.clinic_id, "amount-differs", sent.id, refund.payment_id, repaired=False)
    status = "failed" if sent.status in refunds.FAILED_STATUSES else sent.status
    if refund.status == status or status not in ("failed", "succeeded"):
        return None
    await books.db.atomic(refunds.apply, books.actor, refund_id=refund.id, sent=sent, now=books.now)
    return Drift(refund.clinic_id, "refund-not-recorded", sent.id, refund.payment_id, repaired=True)


async def _check_foreign_refund(books: ReconciliationContext, sent: Refund) -> Drift | None:
    """Report a refund of one of our payments that we did not make, such as one made on the provider's own pages."""
    if sent.status in refunds.FAILED_STATUSES or sent.payment_intent is None:
        return None
    intent = await books.gateway.get_intent(sent.payment_intent)
    payment_id = own_id(intent.metadata.get("payment_id"))
    if payment_id is None:
        return None
    return Drift(clinic_of(payment_id), "refund-unknown", sent.id, payment_id, repaired=False)


async def _compare_disputes(books: ReconciliationContext) -> list[Drift]:
    return [
        drift
        async for dispute in books.gateway.list_disputes(since=books.now - PERIOD)
        if _is_settled(dispute.created, books) and (drift := await _check_dispute(books, dispute))
    ]


async def _check_dispute(books: ReconciliationContext, dispute: Dispute) -> Drift | None:
    payment_id = await find_disputed(books.db, books.gateway, dispute)
    if payment_id is None:
        return None
    before = await refund_rows.find_dispute(books.db, payment_id, dispute_id=dispute.id)
    refund = before and await refund_rows.find(books.db, before)
    expected = {"open": "pending", "won": "failed", "lost": "succeeded"}[dispute.outcome]
    if refund and refund.status == expected:
        if _amount(dispute.amount, dispute.currency) == refund.amount:
            return None
        return Drift(clinic_of(payment_id), "amount-differs", dispute.id, payment_id, repaired=False)
    await books.db.atomic(refunds.apply_dispute, books.actor, payment_id=payment_id, dispute=dispute, now=books.now)
    is_recorded = bool(await refund_rows.find_dispute(books.db, payment_id, dispute_id=dispute.id))
    return Drift(clinic_of(payment_id), "dispute-not-recorded", dispute.id, payment_id, repaired=is_recorded)


async def list_drifts(db: Statements, *, clinic_id: int, limit: int) -> Sequence[drifts.StoredDrift]:
    """Return where a clinic's books differ from the provider's, unresolved differences first."""
    return await drifts.list_for_clinic(db, clinic_id, limit=limit)
