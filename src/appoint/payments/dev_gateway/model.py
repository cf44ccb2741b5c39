"""The development gateway's objects, as the provider's API describes them, and what happens to them."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, get_args

from .forms import ApiError, Json, members, number, text

Delivery = Literal["prompt", "late", "twice", "reordered", "lost"]
"""How the events about a payment reach the application."""
DELIVERIES: Final[dict[str, Delivery]] = {delivery: delivery for delivery in get_args(Delivery)}
Outcome = Literal["succeeded", "declined", "action"]
MIN_SESSION_SECONDS: Final = 30 * 60
MAX_SESSION_SECONDS: Final = 24 * 60 * 60
DISPUTE_FEE: Final = 2000
KINDS: Final = {
    "checkout.session": "cs_test",
    "payment_intent": "pi",
    "setup_intent": "seti",
    "charge": "ch",
    "refund": "re",
    "dispute": "dp",
    "balance_transaction": "txn",
}
"""The prefix of the ids of each kind of object."""


class Effects(NamedTuple):
    """What an action writes."""

    objects: list[Json]
    events: list[tuple[str, Json]]
    """The type of each event, and the object that it is about, in the order in which they happen."""


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def new_object(kind: str, now: datetime, **members: Any) -> Json:
    return {"id": new_id(KINDS[kind]), "object": kind, "created": int(now.timestamp()), "livemode": False, **members}


def event(type: str, content: Json, now: datetime, *, version: str) -> Json:
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": version,
        "created": int(now.timestamp()),
        "data": {"object": content},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type,
    }


def open_session(form: Mapping[str, Any], *, page_url: str, now: datetime) -> Json:
    """Return a visit to the hosted page, which has not been paid."""
    mode = text(form, "mode")
    if mode not in ("payment", "setup"):
        raise ApiError(400, f"Invalid mode: {mode}", param="mode")
    expires_at = int(now.timestamp()) + MAX_SESSION_SECONDS
    if "expires_at" in form:
        expires_at = number(form, "expires_at")
        if not MIN_SESSION_SECONDS - 60 <= expires_at - now.timestamp() <= MAX_SESSION_SECONDS + 60:
            raise ApiError(400, "The expiry must be 30 minutes to 24 hours after the creation", param="expires_at")
    session = new_object(
        "checkout.session",
        now,
        mode=mode,
        status="open",
        payment_status="unpaid" if mode == "payment" else "no_payment_required",
        success_url=text(form, "success_url"),
        cancel_url=form.get("cancel_url"),
        client_reference_id=form.get("client_reference_id"),
        currency=form.get("currency"),
        customer=form.get("customer"),
        expires_at=expires_at,
        metadata=members(form, "metadata"),
        payment_intent=None,
        setup_intent=None,
        amount_total=None,
        description="",
        intent_metadata=members(members(form, f"{mode}_intent_data"), "metadata"),
        capture_method=members(form, "payment_intent_data").get("capture_method", "automatic"),
    )
    session["url"] = page_url + session["id"]
    if mode == "payment":
        _price(session, form)
    return session


def _price(session: Json, form: Mapping[str, Any]) -> None:
    items = list(members(form, "line_items").values())
    if not items:
        raise ApiError(400, "Missing required param: line_items.", code="parameter_missing", param="line_items")
    prices = [members(item, "price_data") for item in items]
    session["amount_total"] = sum(
        number(price, "unit_amount") * number(item, "quantity", max=10_000)
        for item, price in zip(items, prices, strict=True)
    )
    session["currency"] = text(prices[0], "currency")
    session["description"] = text(members(prices[0], "product_data"), "name")


def expire_session(session: Json) -> Effects:
    if session["status"] != "open":
        raise ApiError(400, f"Only open Checkout Sessions can be expired. This one is {session['status']}.")
    session = {**session, "status": "expired", "url": None}
    return Effects([session], [("checkout.session.expired", session)])


def new_intent(
    now: datetime, *, amount: int, currency: str, metadata: Json, capture_method: str = "automatic", **more: Any
) -> Json:
    members: Json = {
        "amount": amount,
        "amount_received": 0,
        "amount_capturable": 0,
        "amount_refunded": 0,
        "currency": currency,
        "capture_method": capture_method,
        "status": "requires_payment_method",
        "latest_charge": None,
        "customer": None,
        "payment_method": None,
        "metadata": metadata,
        "last_payment_error": None,
    }
    return new_object("payment_intent", now, **{**members, **more})


def attempt(intent: Json, outcome: Outcome, now: datetime) -> Effects:
    """Try to collect the amount."""
    if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        raise ApiError(400, f"This PaymentIntent is {intent['status']}.", code="payment_intent_unexpected_state")
    match outcome:
        case "declined":
            error = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
            intent = {**intent, "status": "requires_payment_method", "last_payment_error": error}
            return Effects([intent], [("payment_intent.payment_failed", intent)])
        case "action":
            intent = {**intent, "status": "requires_action"}
            return Effects([intent], [("payment_intent.requires_action", intent)])
        case "succeeded":
            return _collect(intent, now)


def _collect(intent: Json, now: datetime) -> Effects:
    is_manual = intent["capture_method"] == "manual"
    charge = new_object(
        "charge",
        now,
        amount=intent["amount"],
        currency=intent["currency"],
        captured=not is_manual,
        paid=True,
        status="succeeded",
        payment_intent=intent["id"],
        metadata=intent["metadata"],
    )
    intent = {**intent, "latest_charge": charge["id"], "last_payment_error": None}
    if is_manual:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        return Effects([charge, intent], [("payment_intent.amount_capturable_updated", intent)])
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    movement = _movement("charge", charge, intent["amount"], now, fee=_fee(intent["amount"]))
    return Effects([charge, intent, movement], [("payment_intent.succeeded", intent), ("charge.succeeded", charge)])


def capture(intent: Json, charge: Json, now: datetime) -> Effects:
    if intent["status"] != "requires_capture":
        raise ApiError(400, f"This PaymentIntent is {intent['status']}.", code="payment_intent_unexpected_state")
    charge = {**charge, "captured": True}
    intent = {**intent, "status": "succeeded", "amount_received": intent["amount"], "amount_capturable": 0}
    movement = _movement("charge", charge, intent["amount"], now, fee=_fee(intent["amount"]))
    return Effects([charge, intent, movement], [("payment_intent.succeeded", intent), ("charge.captured", charge)])


def cancel(intent: Json) -> Effects:
    if intent["status"] in ("succeeded", "canceled", "processing"):
        raise ApiError(400, f"This PaymentIntent is {intent['status']}.", code="payment_intent_unexpected_state")
    intent = {**intent, "status": "canceled", "amount_capturable": 0}
    return Effects([intent], [("payment_intent.canceled", intent)])


def complete_payment(session: Json, change: Effects, intent: Json) -> Effects:
    """Complete a session whose payment has succeeded, or keep it open."""
    session = {**session, "payment_intent": intent["id"]}
    if intent["status"] not in ("succeeded", "requires_capture"):
        return Effects([*change.objects, session], change.events)
    session |= {"status": "complete", "payment_status": "paid", "url": None}
    if intent["status"] == "requires_capture":
        session["payment_status"] = "unpaid"
    return Effects([*change.objects, session], [*change.events, ("checkout.session.completed", session)])


def store_card(session: Json, outcome: Outcome, now: datetime) -> Effects:
    """Complete a session that stores a card. `outcome` is what will happen when the card is charged."""
    customer = session["customer"] or new_id("cus")
    intent = new_object(
        "setup_intent",
        now,
        status="succeeded",
        customer=customer,
        payment_method=new_id(f"pm_{outcome}"),
        metadata=session["intent_metadata"],
        usage="off_session",
    )
    session = {**session, "status": "complete", "setup_intent": intent["id"], "customer": customer, "url": None}
    return Effects([intent, session], [("setup_intent.succeeded", intent), ("checkout.session.completed", session)])


def outcome_for(payment_method: str) -> Outcome:
    """Return what happens when a stored card is charged."""
    return next((each for each in get_args(Outcome) if payment_method.startswith(f"pm_{each}_")), "succeeded")


def refund(intent: Json, amount: int | None, metadata: Json, now: datetime) -> Effects:
    left: int = intent["amount_received"] - intent["amount_refunded"]
    amount = left if amount is None else amount
    if intent["status"] != "succeeded" or left <= 0:
        raise ApiError(400, "Charge has already been refunded.", code="charge_already_refunded")
    if amount > left:
        raise ApiError(400, f"Refund amount ({amount}) is greater than unrefunded amount ({left}).", param="amount")
    refund = new_object(
        "refund",
        now,
        amount=amount,
        currency=intent["currency"],
        payment_intent=intent["id"],
        charge=intent["latest_charge"],
        status="succeeded",
        metadata=metadata,
    )
    intent = {**intent, "amount_refunded": intent["amount_refunded"] + amount}
    movement = _movement("refund", refund, -amount, now)
    return Effects([refund, intent, movement], [("refund.created", refund), ("refund.updated", refund)])


def fail_refund(refund: Json, intent: Json, now: datetime) -> Effects:
    """Let a refund fail after it was accepted, as banks do when an account has been closed."""
    if refund["status"] != "succeeded":
        raise ApiError(400, "This refund has failed already.")
    refund = {**refund, "status": "failed", "failure_reason": "expired_or_canceled_card"}
    intent = {**intent, "amount_refunded": intent["amount_refunded"] - refund["amount"]}
    movement = _movement("refund_failure", refund, refund["amount"], now)
    return Effects([refund, intent, movement], [("refund.updated", refund), ("refund.failed", refund)])


def open_dispute(intent: Json, now: datetime) -> Effects:
    amount = intent["amount_received"] - intent["amount_refunded"]
    if intent["status"] != "succeeded" or amount <= 0:
        raise ApiError(400, "Only collected payments can be disputed.")
    dispute = new_object(
        "dispute",
        now,
        amount=amount,
        currency=intent["currency"],
        payment_intent=intent["id"],
        charge=intent["latest_charge"],
        reason="fraudulent",
        status="needs_response",
        metadata={},
    )
    movement = _movement("adjustment", dispute, -amount, now, fee=DISPUTE_FEE)
    return Effects([dispute, movement], [("charge.dispute.created", dispute)])


def close_dispute(dispute: Json, status: Literal["won", "lost"], now: datetime) -> Effects:
    if dispute["status"] != "needs_response":
        raise ApiError(400, "This dispute is closed.")
    dispute = {**dispute, "status": status}
    movements = [_movement("adjustment", dispute, dispute["amount"], now)] if status == "won" else []
    return Effects([dispute, *movements], [("charge.dispute.closed", dispute)])


def _fee(amount: int) -> int:
    return min(amount, (amount * 15 + 500) // 1000 + 25)


def _movement(type: str, source: Json, amount: int, now: datetime, *, fee: int = 0) -> Json:
    return new_object(
        "balance_transaction",
        now,
        type=type,
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=source["currency"],
        source=source["id"],
        status="available",
    )
