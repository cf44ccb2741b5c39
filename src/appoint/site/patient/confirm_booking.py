"""Confirm a booking: the page that asks for the code, which may be in a frame, and the page that the message links to.

GET requests don't change anything, because mail scanners open links too.
"""

import math
import re
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from babel.units import format_unit
from litestar import Response, get, post
from litestar.params import FromPath

from ...booking import links
from ...booking.confirmation import service
from ...booking.confirmation.service import CodeEntry, ConfirmedBooking
from ...booking.model import LIVE, Status
from ...booking.request_context import customer_limits
from ...customers import service as customers
from ...http.cookies import add_known_address, set_booked_token
from ...http.forms import parse_form
from ...http.languages import language_for
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.i18n import translate
from ..rendering import NO_STORE, redirect
from .appointment_page import find_join_link, find_visit_without_video
from .booking_choice import address_for
from .clinic_visit import ClinicVisit, visit_clinic
from .manage_link import (
    LinkedAppointment,
    appointment_id,
    describe_refusal,
    holder,
    linked_page,
    list_others,
    load_appointment,
    not_found_page,
    path_of,
)

PUBLIC: Final = route(permission="public", page=True)
CODE_PAGE: Final = ["/c/{name:str}/confirm/{token:str}", "/embed/{name:str}/confirm/{token:str}"]
LINK_PAGE: Final = "/confirm/{token:str}"


@get(CODE_PAGE, operation_id="showBookingConfirmation", opt=PUBLIC, include_in_schema=False)
async def show(request: Request, name: FromPath[str], token: FromPath[str]) -> Response[Any]:
    """Ask for the code or, once the appointment is booked, show it."""
    visit, linked = await _visit(request, name, token)
    return await _page(visit, linked, token)


@post(CODE_PAGE, operation_id="confirmBookingByForm", status_code=200, opt=PUBLIC, include_in_schema=False)
async def confirm(request: Request, name: FromPath[str], token: FromPath[str]) -> Response[Any]:
    """Confirm the booking with the code, or send a new one (`send`)."""
    visit, linked = await _visit(request, name, token)
    actor, fields = await holder(request, token), await parse_form(request)
    assert actor, "the link is valid"
    db, now = request.services.db.across(), clock.now()
    code = "".join(fields.get("code", "").split())
    if not fields.get("send") and not re.fullmatch("[0-9]{6}", code):
        return await _page(visit, linked, token, fault=translate(visit.language, "Enter the six-digit code."))
    try:
        if fields.get("send"):
            await service.send_next_code_for(db, actor, appointment_id=appointment_id(actor), now=now)
            return redirect(visit.address(f"/confirm/{token}", sent="1"))
        outcome = await service.confirm_booking(
            db,
            actor,
            booking_id=linked.appointment.booking_id,
            entry=CodeEntry(code, request.services.secret_key),
            limits=customer_limits(request),
            now=now,
        )
    except errors.Conflict as refusal:
        return await _refusal_page(visit, token, refusal)
    if visit.framed:
        return redirect(visit.address(f"/confirm/{token}"))
    response = redirect(f"{path_of(token)}?new=1")
    if outcome:
        await _remember_address(request, response, outcome)
    return response


async def _visit(request: Request, name: str, token: str) -> tuple[ClinicVisit, LinkedAppointment]:
    visit, linked = await visit_clinic(request, name), await load_appointment(request, token)
    if linked is None or linked.appointment.clinic_id != visit.catalogue.clinic_id:
        raise errors.NotFound
    return visit, linked


async def _page(
    visit: ClinicVisit,
    linked: LinkedAppointment,
    token: str,
    *,
    fault: str = "",
    refusal: str = "",
    status_code: int | None = None,
) -> Response[Any]:
    appointment, catalogue = linked.appointment, visit.catalogue
    if appointment.status in LIVE - {Status.PENDING} and not visit.framed:
        return redirect(f"{path_of(token)}?new=1")
    type = catalogue.types.get(appointment.appointment_type_id) if appointment.appointment_type_id else None
    others = await list_others(visit.request, linked, token)
    no_video = await find_visit_without_video(visit.request, linked)
    if appointment.status in LIVE - {Status.PENDING}:
        return visit.render(
            "patient/booked.html",
            cache_control=NO_STORE,
            appointment=appointment,
            link=path_of(token),
            others=others,
            no_video=no_video,
            join=await find_join_link(visit.request, linked, token),
            now=linked.now,
        )
    if linked.deposit:
        if not visit.framed:
            return redirect(f"{path_of(token)}/pay")
        return visit.render(
            "patient/pay_outside.html",
            cache_control=NO_STORE,
            appointment=appointment,
            type=type,
            link=f"{path_of(token)}/pay",
            amount=linked.deposit,
        )
    expires = appointment.hold_expires_at
    left = expires - linked.now if expires else timedelta()
    return visit.render(
        "patient/confirm_code.html",
        cache_control=NO_STORE,
        appointment=appointment,
        type=type,
        status_code=status_code or (400 if fault else 200),
        left=_minutes(left, visit.language) if left > timedelta() and appointment.code_sent_to else None,
        action=visit.address(f"/confirm/{token}"),
        details=address_for(visit, appointment, [each.appointment for each in others], token=token),
        others=others,
        no_video=no_video,
        sent="sent" in visit.request.query_params,
        fault=fault,
        refusal=refusal,
        development=visit.request.services.settings.mode == "development",
    )


def _minutes(left: timedelta, language: str) -> str:
    return format_unit(math.ceil(left / timedelta(minutes=1)), "duration-minute", locale=language)


async def _refusal_page(visit: ClinicVisit, token: str, refusal: errors.Conflict) -> Response[Any]:
    """Show the page in its current state, with the reason why the code was refused or no new code was sent."""
    linked = await load_appointment(visit.request, token)
    if linked is None:
        raise errors.NotFound
    problem = PROBLEMS[refusal.type]
    text = describe_refusal(visit.request, refusal)
    is_code_wrong = refusal.type in ("wrong-confirmation-code", "new-code-required")
    remedy = translate(visit.language, problem.remedy)
    return await _page(
        visit,
        linked,
        token,
        fault=f"{text} {remedy}" if is_code_wrong else "",
        refusal="" if is_code_wrong else text,
        status_code=problem.status,
    )


async def _remember_address(request: Request, response: Response[Any], outcome: ConfirmedBooking) -> None:
    """If this request confirmed the address, remember it in this browser."""
    if not outcome.proves_address:
        return
    customer = await customers.get(request.services.db.across(), outcome.appointment.customer_id)
    if address := customer.email or customer.phone:
        add_known_address(response, request, address, clock.now())


@get(LINK_PAGE, operation_id="showBookingConfirmationLink", opt=PUBLIC, include_in_schema=False)
async def show_link(request: Request, token: FromPath[str]) -> Response[Any]:
    """Show the appointment, with a button to confirm it."""
    booking = await service.find_by_link(request.services.db.across(), token=token, secret=request.services.secret_key)
    return await _link_page(request, booking[1]) if booking else not_found_page(request)


@post(LINK_PAGE, operation_id="confirmBookingByLink", status_code=200, opt=PUBLIC, include_in_schema=False)
async def confirm_by_link(request: Request, token: FromPath[str]) -> Response[Any]:
    db, secret = request.services.db.across(), request.services.secret_key
    booking = await service.find_by_link(db, token=token, secret=secret)
    if booking is None:
        return not_found_page(request)
    hold, first_id = booking
    manage_token = links.token(secret, first_id)
    actor = await holder(request, manage_token)
    if actor is None:  # staff have revoked the link
        return not_found_page(request)
    try:
        outcome = await service.confirm_by_link(
            db, actor, hold, first_id=first_id, limits=customer_limits(request), now=clock.now()
        )
    except errors.Conflict as refusal:
        return await _link_page(request, first_id, refusal=refusal)
    response = redirect(f"{path_of(manage_token)}?new=1")
    set_booked_token(response, secret, manage_token)
    await _remember_address(request, response, outcome)
    return response


async def _link_page(request: Request, first_id: UUID, *, refusal: errors.Conflict | None = None) -> Response[Any]:
    token = links.token(request.services.secret_key, first_id)
    linked = await load_appointment(request, token)
    if linked is None:
        return not_found_page(request)
    appointment = linked.appointment
    if appointment.status in LIVE - {Status.PENDING}:
        return redirect(path_of(token))
    expires = appointment.hold_expires_at
    left = expires - linked.now if expires else timedelta()
    return linked_page(
        request,
        "patient/confirm_link.html",
        linked,
        status_code=PROBLEMS[refusal.type].status if refusal else 200,
        left=_minutes(left, language_for(request)) if left > timedelta() else None,
        no_video=await find_visit_without_video(request, linked),
        refusal=describe_refusal(request, refusal) if refusal else "",
    )


PAGES: Final = [show, confirm, show_link, confirm_by_link]
