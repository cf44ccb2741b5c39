"""The booking form: the patient's details, and the booking itself."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath

from ... import audit
from ...booking import links
from ...booking.coupons import COUPON_REASONS
from ...booking.deposits import due_deposit
from ...booking.model import Appointment
from ...clinics.catalogue.model import Catalogue
from ...http.cookies import add_form_key, set_booked_token
from ...http.forms import parse_form, query_params
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.date_formats import moment
from ...kit.i18n import translate
from ...kit.ids import PLATFORM
from ...payments.billing import service as billing
from ..rendering import NO_STORE, redirect
from .booking_choice import (
    MAX_TOGETHER,
    BookingChoice,
    UnavailableTime,
    alternatives,
    check_time,
    describe_unavailable,
    instead,
    read_choice,
    read_others,
    without,
)
from .clinic_visit import visit_clinic
from .customer_form import DETAILS
from .form_booking import book_parts, form_key, person_to_select, price_form, read_parts
from .own_booking import (
    RecentBooking,
    find_recent_booking,
    is_own_hold,
    link_of_own_booking,
    read_held_details,
    release_own_holds,
)
from .own_people import people_of
from .visit_price import VisitPrice

FORM: Final = ["/c/{name:str}/details", "/embed/{name:str}/details"]
CHECK: Final = ["/c/{name:str}/details/free", "/embed/{name:str}/details/free"]
FIELDS: Final = (
    *("person", "name", "email", "phone", "birthDate", "known", "note", "zone", "coupon"),
    *(f"{name}{number}" for number in range(1, MAX_TOGETHER) for name in ("person", "name", "birthDate")),
)
"""The fields that end in a number belong to further appointments."""
MAX_BOOKING_FORM_BYTES: Final = 64 * 1024
"""Enough for a note of 5,000 characters in any script: browsers send up to twelve bytes per character."""


@get(FORM, operation_id="showBookingForm", opt=route(permission="public", page=True), include_in_schema=False)
async def show_form(request: Request, name: FromPath[str]) -> Response[Any]:
    """Ask for the patient's details for a chosen time."""
    visit = await visit_clinic(request, name)
    choice = read_choice(visit, query_params(request))
    if choice is None:
        return redirect(visit.address())
    unavailable = await check_time(choice)
    held_token = query_params(request).get("hold", "")
    if unavailable and await is_own_hold(choice, held_token):  # the visitor wants to change their details
        return await _form(choice, await read_held_details(choice, held_token), held_token=held_token)
    recent = await find_recent_booking(choice)
    own_link = await link_of_own_booking(choice) if unavailable else None
    if unavailable and (own_link or (recent and recent.is_at_choice)):
        return redirect(own_link or (recent.link if recent else ""))
    return await _form(choice, {}, unavailable=unavailable, recent=recent)


@get(CHECK, operation_id="lookAtTime", opt=route(permission="public", page=True), include_in_schema=False)
async def check(request: Request, name: FromPath[str]) -> Response[Any]:
    """Respond with 204 while the time is available, and otherwise with the notice for the form. A script polls this
    while the visitor types.
    """
    visit = await visit_clinic(request, name)
    choice = read_choice(visit, query_params(request))
    unavailable = await check_time(choice) if choice else None
    if choice and unavailable and await is_own_hold(choice, query_params(request).get("hold", "")):
        unavailable = None
    if choice is None or unavailable is None:
        return Response(None, status_code=204, headers={"Cache-Control": NO_STORE})
    return visit.render("patient/time_unavailable.html", cache_control=NO_STORE, gone=unavailable, query=choice.query)


async def _form(
    choice: BookingChoice,
    typed: dict[str, str],
    *,
    status_code: int = 200,
    faults: dict[str, str] | None = None,
    unavailable: UnavailableTime | None = None,
    trouble: str | None = None,
    held_token: str = "",
    recent: RecentBooking | None = None,
) -> Response[Any]:
    visit, start = choice.visit, choice.start
    people = await people_of(visit)
    if people:
        await audit.record(
            visit.request.services.db,
            visit.request.user,
            clinic_id=PLATFORM,
            subjects=[person.id for person in people],
        )
        person = person_to_select(choice, people)
        typed = {
            "person": str(person.id) if person else "",
            "email": people[0].email or "",
            "phone": people[0].phone or "",
            **typed,
        }
    last_change = visit.catalogue.last_change(start) if visit.catalogue.cancel_notice_minutes else None
    price = await price_form(choice, typed, people)
    key, hold = form_key(typed) or secrets.token_urlsafe(18), held_token or typed.get("hold", "")
    response = visit.render(
        "patient/booking_form.html",
        cache_control=NO_STORE,
        status_code=status_code,
        type=choice.type,
        others=[
            (each, without(choice, each, held_token=hold), visit.questions(each.type, each.doctor))
            for each in read_others(visit)
        ],
        next=None if hold or len(read_others(visit)) >= MAX_TOGETHER - 1 else choice.address_of_next,
        doctor=choice.doctor,
        start=start,
        end=choice.end,
        query=choice.query,
        day=clock.local_date(start, visit.catalogue.time_zone),
        last_change=last_change,
        grace_minutes=_grace_minutes(visit.catalogue, start, clock.now()),
        typed=dict.fromkeys(FIELDS, "") | typed,
        hold=hold,
        key=key,
        recent=recent,
        faults=dict.fromkeys(FIELDS, "") | {"coupon": price.fault} | (faults or {}),
        gone=unavailable,
        trouble=trouble,
        people=people,
        names_of_people=[(person.id, person.name) for person in people],
        asks=visit.questions(choice.type, choice.doctor),
        asks_code=visit.asks_code and price.deposit is None,
        price=price,
        terms=await _describe_terms(choice, price),
    )
    if not visit.framed:
        add_form_key(response, visit.request, key)
    return response


async def _describe_terms(choice: BookingChoice, price: VisitPrice) -> list[str]:
    """Say what it costs to cancel or miss the form's own appointment."""
    type, catalogue = choice.type, choice.visit.catalogue
    if type is None or type.price is None:
        return []
    of_clinic = choice.visit.request.services.db.within(catalogue.clinic_id)
    discount = price.discount.amount if price.discount and price.is_on_first else 0
    terms = await billing.get_terms_for(of_clinic, type.id, type.price, discount=discount, language=choice.visit.tag)
    return terms.text


def _grace_minutes(catalogue: Catalogue, start: datetime, now: datetime) -> int | None:
    """Return how many minutes after booking patients can still change an appointment that is already within the notice
    period, or None if the notice period begins later.
    """
    grace = timedelta(minutes=catalogue.change_grace_minutes)
    if catalogue.last_change(start) > now + grace:
        return None
    return max(min(grace, start - now), timedelta()) // timedelta(minutes=1)


@post(
    FORM,
    operation_id="bookByForm",
    status_code=200,
    opt=route(permission="book", page=True),
    request_max_body_size=MAX_BOOKING_FORM_BYTES,
    include_in_schema=False,
)
async def book(request: Request, name: FromPath[str]) -> Response[Any]:
    """Book in the same way as the API does, but only once, no matter how often the form is sent. `instead` replaces the
    time in the URL."""
    visit, typed = await visit_clinic(request, name), await parse_form(request)
    other_time = typed.get("instead", "")
    choice = read_choice(visit, instead(visit, query_params(request), other_time))
    if choice is None:
        return redirect(visit.address())
    people = await people_of(visit)
    if "apply" in typed:
        await request.services.limits.count(request, request.user, "search")
        return await _form(choice, typed)
    price = await price_form(choice, typed, people)
    parts, faults = read_parts(choice, typed, people, needs_code=visit.asks_code and price.deposit is None)
    if faults:
        is_blank = not any(typed.get(field, "").strip() for field in DETAILS)
        faults = {} if other_time.strip() and is_blank else faults
        return await _form(choice, typed, status_code=400 if faults else 200, faults=faults)
    try:
        await release_own_holds(choice, typed.get("hold", ""))
        appointments = await book_parts(parts, typed, booker_id=people[0].id if people else None)
    except errors.Conflict as refusal:
        index: int = refusal.facts.get("index", 0)
        other_choice = parts[index].choice
        if other_choice != choice and refusal.type not in COUPON_REASONS:
            problem = PROBLEMS[refusal.type]
            text = translate(
                visit.language,
                "{what}, {when}: {reason}",
                what=other_choice.type.name if other_choice.type else translate(visit.language, "An appointment"),
                when=moment(other_choice.start, visit.catalogue.time_zone, visit.language, "short"),
                reason=describe_unavailable(other_choice, refusal.type, [], facts=refusal.facts).text,
            )
            return await _form(choice, typed, status_code=problem.status, trouble=text)
        if refusal.type in COUPON_REASONS:
            text = translate(visit.language, PROBLEMS[refusal.type].happened)
            return await _form(choice, typed, status_code=409, faults={"coupon": text})
        unavailable = describe_unavailable(
            choice, refusal.type, await alternatives(choice, refusal), facts=refusal.facts
        )
        return await _form(choice, typed, status_code=PROBLEMS[refusal.type].status, unavailable=unavailable)
    except (errors.TooMany, errors.Unavailable) as refusal:
        problem = PROBLEMS[refusal.type]
        return await _form(
            choice, typed, status_code=problem.status, trouble=translate(visit.language, problem.happened)
        )
    return await _booked_page(choice, appointments)


async def _booked_page(choice: BookingChoice, appointments: Sequence[Appointment]) -> Response[Any]:
    """Redirect to the page for paying or for the code, or to the new appointment."""
    visit, request, first = choice.visit, choice.visit.request, appointments[0]
    token = links.token(request.services.secret_key, first.id)
    of_clinic = request.services.db.within(first.clinic_id)
    if not visit.framed and await due_deposit(of_clinic, visit.catalogue, appointments):
        response = redirect(f"/appointments/{token}/pay")
    elif visit.framed or first.confirmation:
        response = redirect(visit.address(f"/confirm/{token}", also=None))
    else:
        response = redirect(f"/appointments/{token}?new=1")
    if not visit.framed:
        set_booked_token(response, request.services.secret_key, token)
    return response


PAGES: Final = [show_form, check, book]
