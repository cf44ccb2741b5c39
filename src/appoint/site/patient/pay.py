"""Pay a deposit: the page before the payment provider's own, and the one that payers come back to."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from babel.units import format_unit
from litestar import Response, get, post
from litestar.params import FromPath

from ...booking import links as manage_links
from ...booking.bookings import service as bookings
from ...booking.model import LIVE, Appointment, Status
from ...http.cookies import booked_token_of
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.actors import Actor
from ...payments.billing import service as billing
from ...payments.billing.wording import describe_settlement
from ...payments.checkout import service
from ...payments.checkout.currencies import UnsupportedAmount
from ...payments.checkout.gateway import Checkout
from ...payments.checkout.model import GatewayRefusal, GatewayUnavailable
from ...payments.pay_links import service as pay_links
from ..rendering import NO_STORE, redirect, render
from .appointment_page import find_visit_without_video
from .manage_link import (
    LinkedAppointment,
    describe_refusal,
    linked_page,
    list_others,
    load_appointment,
    not_found_page,
    path_of,
)

PUBLIC: Final = route(permission="public", page=True)
PAY_PAGE: Final = "/appointments/{token:str}/pay"
RETURN_PAGE: Final = "/paid/{token:str}"


@get(PAY_PAGE, operation_id="showPaymentPage", opt=PUBLIC, include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[Any]:
    """Say what has to be paid, and until when."""
    linked = await load_appointment(request, token)
    if linked is None:
        return not_found_page(request)
    is_on_hold = linked.appointment.status == Status.PENDING
    if linked.appointment.status in LIVE and not (is_on_hold and linked.deposit):
        return redirect(path_of(token))
    return await _page(request, linked, token)


@post(PAY_PAGE, operation_id="payDeposit", status_code=303, opt=PUBLIC, include_in_schema=False)
async def pay(request: Request, token: FromPath[str]) -> Response[Any]:
    """Send the payer to the payment provider's page."""
    linked = await load_appointment(request, token)
    if linked is None:
        return not_found_page(request)
    checkout = request.services.get(Checkout)
    try:
        url = await service.open_page(
            request.services.db.across(),
            checkout.expect_gateway(),
            appointment_id=linked.appointment.id,
            links=checkout.links,
            now=clock.now(),
        )
    except errors.Conflict as refusal:
        linked = await load_appointment(request, token) or linked
        if linked.appointment.status in LIVE - {Status.PENDING}:
            return redirect(path_of(token))
        is_over = refusal.type in ("hold-expired", "wrong-status")
        return await _page(request, linked, token, refusal=None if is_over else refusal, is_over=is_over)
    except (errors.Unavailable, GatewayUnavailable, GatewayRefusal, UnsupportedAmount):
        return await _page(request, linked, token, is_away=True)
    return redirect(url)


async def _page(
    request: Request,
    linked: LinkedAppointment,
    token: str,
    *,
    refusal: errors.Conflict | None = None,
    is_over: bool = False,
    is_away: bool = False,
) -> Response[Any]:
    appointment, language = linked.appointment, language_for(request)
    others = await list_others(request, linked, token)
    expires = appointment.hold_expires_at
    left = expires - linked.now if expires else timedelta()
    page = linked_page(
        request,
        "patient/pay.html",
        linked,
        status_code=503 if is_away else 409 if refusal or is_over else 200,
        amount=linked.deposit,
        left=_minutes(left, language) if left > timedelta() else None,
        others=others,
        no_video=await find_visit_without_video(request, linked),
        refusal=describe_refusal(request, refusal) if refusal else "",
        is_away=is_away,
    )
    # browsers also apply this to where the form's response redirects: the payment provider
    policy = page.headers["Content-Security-Policy"].replace("form-action 'self'", "form-action 'self' https:")
    page.set_header("Content-Security-Policy", policy)
    return page


def _minutes(left: timedelta, language: str) -> str:
    return format_unit(math.ceil(left / timedelta(minutes=1)), "duration-minute", locale=language)


@get(RETURN_PAGE, operation_id="showPaymentResult", opt=PUBLIC, include_in_schema=False)
async def show_result(request: Request, token: FromPath[str]) -> Response[Any]:
    """Show what happened to a payment. The provider's event may still be on its way, so ask the provider first."""
    checkout, db, now = request.services.get(Checkout), request.services.db.across(), clock.now()
    payment_id = checkout.links.payment_of(token)
    if payment_id is None:
        return not_found_page(request)
    actor = Actor("gateway", address=request.client.host if request.client else None, operation="showPaymentResult")
    try:
        payment = await service.settle(
            db, checkout.expect_gateway(), actor, payment_id=payment_id, links=checkout.links, now=now
        )
    except (errors.Unavailable, GatewayUnavailable, GatewayRefusal):
        payment = await service.get(db, payment_id)
    if payment.invoice_id:
        number = await pay_links.get_number(db, payment.invoice_id)
        return redirect(checkout.links.invoice_path(payment.invoice_id, number))
    together: Sequence[Appointment] = ()
    if payment.booking_id:
        together = await bookings.list_together(db, clinic_id=payment.clinic_id, booking_id=payment.booking_id)
    own_token = booked_token_of(request)
    own_id = manage_links.appointment_of(request.services.secret_key, own_token) if own_token else None
    own = next((each for each in together if each.id == own_id), None)
    is_booked = any(each.status in LIVE - {Status.PENDING} for each in together)
    if own and own.status in LIVE - {Status.PENDING}:
        return redirect(f"{path_of(own_token)}?new=1")
    if own and own.status == Status.PENDING and payment.status == "pending":
        return redirect(f"{path_of(own_token)}/pay")
    return render(
        request,
        "patient/paid.html",
        cache_control=NO_STORE,
        amount=payment.amount,
        status=payment.status,
        is_booked=is_booked,
        sentences=await _sentences(request, together) if payment.status == "succeeded" and not is_booked else [],
    )


async def _sentences(request: Request, together: Sequence[Appointment]) -> list[str]:
    """Say what happens to a payment for appointments that could no longer be booked."""
    db, now = request.services.db.across(), clock.now()
    settlements = [await billing.get_settlement(db, each.id, now=now) for each in together]
    language = language_for(request)
    return [sentence for settlement in settlements for sentence in describe_settlement(settlement, language)]


PAGES: Final = [show, pay, show_result]
