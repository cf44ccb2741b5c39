"""The development gateway's API, and what its hosted page does."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from ...database.pool import Transaction
from . import forms, model, repository
from .changes import apply, expire_if_due, get, lock
from .forms import ApiError, Json
from .model import Delivery, Effects, Outcome

MAX_PAGE: Final = 100
LISTS: Final = {
    "payment_intents": "payment_intent",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "setup_intents": "setup_intent",
}


class ApiRequest(NamedTuple):
    method: str
    path: tuple[str, ...]
    """The path's segments after the version."""
    form: Mapping[str, Any]
    key: str | None
    """The idempotency key of a request that changes something."""
    page_url: str
    """The address of hosted pages, without the session's id."""


class ApiResponse(NamedTuple):
    status: int
    body: bytes
    replayed: bool = False


async def respond(tx: Transaction, request: ApiRequest, *, now: datetime) -> ApiResponse:
    """Do what a request to the API asks, once for each idempotency key, and return the response."""
    if request.key is None or request.method == "GET":
        return await _perform(tx, request, now=now)
    digest = hashlib.sha256(repr((request.path, sorted(request.form.items(), key=str))).encode()).hexdigest()
    if not await repository.add_request(tx, request.key, digest=digest):
        previous = await repository.find_request(tx, request.key)
        if previous is None or previous.digest != digest:
            message = "Keys for idempotent requests can only be used with the same parameters."
            error = ApiError(400, message, type="idempotency_error", code="idempotency_key_in_use")
            return ApiResponse(error.status, msgspec.json.encode(error.content))
        return ApiResponse(previous.status, previous.answer.encode(), replayed=True)
    response = await _perform(tx, request, now=now)
    await repository.store_answer(tx, request.key, status=response.status, answer=response.body.decode())
    return response


async def _perform(tx: Transaction, request: ApiRequest, *, now: datetime) -> ApiResponse:
    try:
        if request.method == "GET":
            content = await _read(tx, request, now=now)
        else:
            content = await _write(tx, request, now=now)
    except ApiError as error:
        return ApiResponse(error.status, msgspec.json.encode(error.content))
    return ApiResponse(200, msgspec.json.encode(content))


async def _read(tx: Transaction, request: ApiRequest, *, now: datetime) -> Json:
    match request.path:
        case ("checkout", "sessions", id):
            await expire_if_due(tx, id, now=now)
            return await get(tx, "checkout.session", id)
        case ("checkout", "sessions"):
            return await _list(tx, "checkout.session", request)
        case (plural, id) if plural in LISTS:
            return await get(tx, LISTS[plural], id)
        case (plural,) if plural in LISTS:
            return await _list(tx, LISTS[plural], request)
        case _:
            raise _unknown_path(request)


async def _write(tx: Transaction, request: ApiRequest, *, now: datetime) -> Json:
    form = request.form
    match request.path:
        case ("checkout", "sessions"):
            session = model.open_session(form, page_url=request.page_url, now=now)
            return await apply(tx, Effects([session], []), "prompt", session["id"], now=now)
        case ("checkout", "sessions", id, "expire"):
            session, delivery = await lock(tx, "checkout.session", id)
            return await apply(tx, model.expire_session(session), delivery, id, now=now)
        case ("payment_intents",):
            return await _create_intent(tx, form, now=now)
        case ("payment_intents", id, "confirm"):
            intent, delivery = await lock(tx, "payment_intent", id)
            outcome = model.outcome_for(str(form.get("payment_method") or intent["payment_method"] or ""))
            return await _confirm(tx, intent, outcome, delivery, off_session=False, now=now)
        case ("payment_intents", id, "capture"):
            intent, delivery = await lock(tx, "payment_intent", id)
            charge = await get(tx, "charge", intent["latest_charge"] or "")
            return await apply(tx, model.capture(intent, charge, now), delivery, id, now=now)
        case ("payment_intents", id, "cancel"):
            intent, delivery = await lock(tx, "payment_intent", id)
            return await apply(tx, model.cancel(intent), delivery, id, now=now)
        case ("refunds",):
            intent, delivery = await lock(tx, "payment_intent", forms.text(form, "payment_intent"))
            amount = forms.number(form, "amount") if "amount" in form else None
            change = model.refund(intent, amount, forms.members(form, "metadata"), now)
            return await apply(tx, change, delivery, change.objects[0]["id"], now=now)
        case _:
            raise _unknown_path(request)


def _unknown_path(request: ApiRequest) -> ApiError:
    return ApiError(404, f"Unrecognized request URL ({request.method}: /v1/{'/'.join(request.path)}).")


async def _create_intent(tx: Transaction, form: Mapping[str, Any], *, now: datetime) -> Json:
    payment_method = form.get("payment_method")
    intent = model.new_intent(
        now,
        amount=forms.number(form, "amount"),
        currency=forms.text(form, "currency"),
        metadata=forms.members(form, "metadata"),
        capture_method=str(form.get("capture_method", "automatic")),
        customer=form.get("customer"),
        payment_method=payment_method,
        status="requires_confirmation" if payment_method else "requires_payment_method",
    )
    if form.get("confirm") != "true":
        return await apply(tx, Effects([intent], [("payment_intent.created", intent)]), "prompt", intent["id"], now=now)
    outcome = model.outcome_for(forms.text(form, "payment_method"))
    return await _confirm(tx, intent, outcome, "prompt", off_session=form.get("off_session") == "true", now=now)


async def _confirm(
    tx: Transaction, intent: Json, outcome: Outcome, delivery: Delivery, *, off_session: bool, now: datetime
) -> Json:
    """Try to collect an intent's amount. Raise `ApiError` with the intent if the card does not pay, after saving it."""
    needs_owner = off_session and outcome == "action"
    change = model.attempt(intent, "declined" if needs_owner else outcome, now)
    result = await apply(tx, change, delivery, intent["id"], now=now)
    if result["status"] != "requires_payment_method":
        return result
    code = "authentication_required" if needs_owner else "card_declined"
    raise ApiError(402, "The card was not charged.", code=code, payment_intent=result)


async def _list(tx: Transaction, kind: str, request: ApiRequest) -> Json:
    form = request.form
    limit = forms.number(form, "limit", max=MAX_PAGE) if "limit" in form else 10
    created = forms.members(form, "created")
    contents = await repository.list_newest(
        tx,
        kind,
        payment_intent=form.get("payment_intent"),
        since=forms.number(created, "gte") if "gte" in created else 0,
        after=form.get("starting_after"),
        limit=limit + 1,
    )
    url = f"/v1/{'/'.join(request.path)}"
    return {"object": "list", "url": url, "has_more": len(contents) > limit, "data": contents[:limit]}
