"""What people do on the development gateway's pages, as payers and as their banks."""

from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args

from ...database.pool import Statements, Transaction
from ...kit import errors
from . import model, repository
from .changes import apply, expire_if_due, get, lock
from .forms import ApiError, Json
from .model import Delivery, Outcome

MAX_PAGE: Final = 100


async def get_session(tx: Transaction, id: str, *, now: datetime) -> tuple[Json, Json | None]:
    """Return a session and its payment, if one has been attempted. Raise `NotFound`."""
    try:
        await expire_if_due(tx, id, now=now)
        session = await get(tx, "checkout.session", id)
    except ApiError:
        raise errors.NotFound from None
    intent = await repository.find(tx, "payment_intent", session["payment_intent"] or "")
    return session, intent


async def use_page(
    tx: Transaction, id: str, *, outcome: Outcome, delivery: Delivery, now: datetime
) -> tuple[Json, Json | None]:
    """Do what a payer does on the hosted page, and return the session and the payment. A session that is no longer open
    stays as it is. Raise `NotFound`."""
    session, intent = await get_session(tx, id, now=now)
    if session["status"] != "open":
        return session, intent
    session, _ = await lock(tx, "checkout.session", id)
    if session["mode"] == "setup":
        return await apply(tx, model.store_card(session, outcome, now), delivery, id, now=now), None
    if intent is None:
        intent = model.new_intent(
            now,
            amount=session["amount_total"],
            currency=session["currency"],
            metadata=session["intent_metadata"],
            capture_method=session["capture_method"],
        )
    attempted = model.attempt(intent, outcome, now)
    intent = next(content for content in attempted.objects if content["id"] == intent["id"])
    change = model.complete_payment(session, attempted, intent)
    return await apply(tx, change, delivery, id, now=now), intent


class PaymentOverview(NamedTuple):
    """A payment, with everything that has happened to it."""

    intent: Json
    refunds: list[Json]
    disputes: list[Json]


async def list_payments(tx: Statements, *, limit: int) -> list[PaymentOverview]:
    """Return the latest payments, newest first."""
    intents = await repository.list_newest(tx, "payment_intent", payment_intent=None, since=0, after=None, limit=limit)
    overviews: list[PaymentOverview] = []
    for intent in intents:
        refunds, disputes = [
            await repository.list_newest(tx, kind, payment_intent=intent["id"], since=0, after=None, limit=MAX_PAGE)
            for kind in ("refund", "dispute")
        ]
        overviews.append(PaymentOverview(intent, refunds, disputes))
    return overviews


async def list_open_sessions(tx: Statements, *, limit: int) -> list[Json]:
    """Return the latest sessions that wait for their payers, newest first."""
    sessions = await repository.list_newest(
        tx, "checkout.session", payment_intent=None, since=0, after=None, limit=limit
    )
    return [session for session in sessions if session["status"] == "open"]


BankAction = Literal["dispute", "win", "lose", "fail-refund"]
BANK_ACTIONS: Final[dict[str, BankAction]] = {action: action for action in get_args(BankAction)}


async def act_as_bank(tx: Transaction, id: str, *, action: BankAction, now: datetime) -> None:
    """Do what a payer's bank does later. Raise `NotFound` if that is not possible."""
    try:
        match action:
            case "dispute":
                intent, delivery = await lock(tx, "payment_intent", id)
                change = model.open_dispute(intent, now)
            case "win" | "lose":
                dispute, delivery = await lock(tx, "dispute", id)
                change = model.close_dispute(dispute, "won" if action == "win" else "lost", now)
            case "fail-refund":
                refund = await get(tx, "refund", id)
                intent, delivery = await lock(tx, "payment_intent", refund["payment_intent"])
                refund, _ = await lock(tx, "refund", id)
                change = model.fail_refund(refund, intent, now)
        await apply(tx, change, delivery, change.objects[0]["id"], now=now)
    except ApiError:
        raise errors.NotFound from None
