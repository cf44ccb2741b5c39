"""What the payment provider's events make us do."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from ...database.pool import Database, Transaction
from ...kit.actors import Actor
from ...kit.ids import PLATFORM, clinic_of
from . import refunds, service
from .links import PaymentLinks
from .model import Dispute, GatewayRefusal, ProviderEvent
from .port import PaymentGateway
from .repository import payments

log = structlog.get_logger()

SESSION_EVENTS: Final = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
    }
)
INTENT_EVENTS: Final = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.amount_capturable_updated",
    }
)
REFUND_EVENTS: Final = frozenset({"refund.created", "refund.updated", "refund.failed"})
DISPUTE_EVENTS: Final = frozenset({"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"})


async def receive(
    db: Database, gateway: PaymentGateway, actor: Actor, event: ProviderEvent, *, links: PaymentLinks, now: datetime
) -> None:
    """Do what an event asks for, once. Ignore events of other types, and those about objects that are not ours.

    The event is recorded together with its effect. Raise `GatewayUnavailable` if the object cannot be fetched: the
    provider then sends the event again.
    """
    try:
        effect = await _effect_of(db, gateway, actor, event, links=links, now=now)
    except GatewayRefusal as refusal:  # it belongs to a different account or mode
        log.warning("event ignored", event_id=event.id, type=event.type, reason=refusal.code)
        return
    if effect:
        await db.atomic(_once, event, effect)


Effect = Callable[[Transaction], Awaitable[object]]


async def _effect_of(
    db: Database, gateway: PaymentGateway, actor: Actor, event: ProviderEvent, *, links: PaymentLinks, now: datetime
) -> Effect | None:
    """Fetch the object that an event is about, and return what to do in a transaction, if anything."""
    id = event.data.object.id
    if event.type in SESSION_EVENTS or event.type in INTENT_EVENTS:
        subject = await (gateway.get_session(id) if event.type in SESSION_EVENTS else gateway.get_intent(id))
        payment_id = own_id(subject.metadata.get("payment_id"))
        payment = payment_id and await payments.find(db, payment_id)
        if not payment:
            return None
        facts = await service.fetch(db, gateway, payment, links=links)
        return partial(service.apply, actor=actor, payment_id=payment.id, facts=facts, now=now)
    if event.type in REFUND_EVENTS:
        sent = await gateway.get_refund(id)
        refund_id = own_id(sent.metadata.get("refund_id"))
        return refund_id and partial(refunds.apply, actor=actor, refund_id=refund_id, sent=sent, now=now)
    if event.type in DISPUTE_EVENTS:
        dispute = await gateway.get_dispute(id)
        payment_id = await find_disputed(db, gateway, dispute)
        return payment_id and partial(
            refunds.apply_dispute, actor=actor, payment_id=payment_id, dispute=dispute, now=now
        )
    return None


async def _once(tx: Transaction, event: ProviderEvent, effect: Effect) -> None:
    if await payments.add_event(tx, event_id=event.id, type=event.type):
        await effect(tx)


async def find_disputed(db: Database, gateway: PaymentGateway, dispute: Dispute) -> UUID | None:
    """Return the payment that a dispute is about, if Appoint has recorded it as paid."""
    if dispute.payment_intent is None:
        return None
    intent = await gateway.get_intent(dispute.payment_intent)
    payment_id = own_id(intent.metadata.get("payment_id"))
    payment = payment_id and await payments.find(db, payment_id)
    return payment.id if payment and payment.status == "succeeded" else None


def own_id(text: str | None) -> UUID | None:
    """Return an id from an object's metadata, or None if it is not one of a clinic's ids."""
    try:
        id = UUID(text or "")
    except ValueError:
        return None
    return id if clinic_of(id) != PLATFORM else None
