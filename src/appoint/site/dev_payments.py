"""The development gateway's pages: the hosted page on which payers decide what happens, and all payments.

They are for developers, so they exist only in English.
"""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from litestar import Response, get, post
from litestar.params import FromPath

from ..http.development import expect_development
from ..http.forms import parse_form
from ..http.request import Request
from ..http.routes import route
from ..kit import clock, errors
from ..kit.money import Money
from ..payments.checkout.currencies import from_provider
from ..payments.dev_gateway import hosted_page
from ..payments.dev_gateway.forms import Json
from ..payments.dev_gateway.hosted_page import BANK_ACTIONS
from ..payments.dev_gateway.model import DELIVERIES
from .rendering import NO_STORE, redirect, render

MAX_PAYMENTS: Final = 50
OUTCOMES: Final[dict[str, Any]] = {
    "pay": "succeeded",
    "decline": "declined",
    "ask": "action",
    "confirm": "succeeded",
    "reject": "declined",
}
"""What the buttons on the hosted page do to the payment."""
DELIVERY_NAMES: Final = {
    "prompt": "At once",
    "late": "30 seconds late",
    "twice": "Twice",
    "reordered": "In reverse order",
    "lost": "Never",
}


class Line(NamedTuple):
    """A payment, refund or dispute in the list."""

    id: str
    amount: Money
    status: str
    at: datetime

    @classmethod
    def of(cls, content: Json) -> "Line":
        return cls(
            content["id"], amount_of(content), content["status"], datetime.fromtimestamp(content["created"], UTC)
        )


def amount_of(content: Json) -> Money:
    return from_provider(content["amount"], content["currency"])


@get(
    "/dev/payments", operation_id="showDevPayments", opt=route(permission="public", page=True), include_in_schema=False
)
async def show_payments(request: Request) -> Response[str]:
    expect_development(request)
    db = request.services.db.across()
    return render(
        request,
        "dev/payments.html",
        language="en",
        cache_control=NO_STORE,
        payments=[
            (Line.of(each.intent), list(map(Line.of, each.refunds)), list(map(Line.of, each.disputes)))
            for each in await hosted_page.list_payments(db, limit=MAX_PAYMENTS)
        ],
        sessions=await hosted_page.list_open_sessions(db, limit=MAX_PAYMENTS),
    )


@post(
    "/dev/payments",
    operation_id="actAsBank",
    status_code=200,
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def act_as_bank(request: Request) -> Response[Any]:
    """Do what a payer's bank does after the payment."""
    expect_development(request)
    form = await parse_form(request)
    action = BANK_ACTIONS.get(form.get("action", ""))
    if action is None:
        raise errors.NotFound
    await request.services.db.across().atomic(
        hosted_page.act_as_bank, form.get("id", ""), action=action, now=clock.now()
    )
    return redirect("/dev/payments")


@get(
    "/dev/payments/pay/{session_id:str}",
    operation_id="showHostedPage",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def show_hosted_page(request: Request, session_id: FromPath[str]) -> Response[str]:
    expect_development(request)
    session, intent = await request.services.db.across().atomic(hosted_page.get_session, session_id, now=clock.now())
    return _hosted_page(request, session, intent)


@post(
    "/dev/payments/pay/{session_id:str}",
    operation_id="useHostedPage",
    status_code=200,
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def use_hosted_page(request: Request, session_id: FromPath[str]) -> Response[Any]:
    """Do what the payer chose, and return to the application if that completes the session."""
    expect_development(request)
    form = await parse_form(request)
    outcome = OUTCOMES.get(form.get("action", ""))
    delivery = DELIVERIES.get(form.get("delivery", "prompt"))
    if outcome is None or delivery is None:
        raise errors.NotFound
    session, intent = await request.services.db.across().atomic(
        hosted_page.use_page, session_id, outcome=outcome, delivery=delivery, now=clock.now()
    )
    if session["status"] != "complete":
        return _hosted_page(request, session, intent)
    return redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


def _hosted_page(request: Request, session: Json, intent: Json | None) -> Response[str]:
    return render(
        request,
        "dev/pay.html",
        language="en",
        cache_control=NO_STORE,
        session=session,
        amount=from_provider(session["amount_total"], session["currency"]) if session["amount_total"] else None,
        declined=bool(intent and intent["last_payment_error"]),
        asks=bool(intent and intent["status"] == "requires_action"),
        deliveries=list(DELIVERY_NAMES.items()),
    )


PAGES: Final = [show_payments, act_as_bank, show_hosted_page, use_hosted_page]
