"""The booking form: the patient's details, and the booking itself."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from ... import audit
from ...booking import links
from ...booking.book import book as book_appointments
from ...booking.model import Appointment
from ...booking.planning import BookingCommand, CustomerRequest, IdempotencyKey
from ...booking.request_context import booking_limits, hold_length, stranger_origin
from ...clinics.catalogue.model import Catalogue
from ...customers import service as customers
from ...customers.model import CustomerContent
from ...http.cookies import FORM_KEY, add_form_key, knows_address, set_booked_token
from ...http.forms import parse_form, query_params
from ...http.idempotency import idempotent
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.i18n import translate
from ...kit.ids import PLATFORM
from ..rendering import NO_STORE, faults_by_field, redirect
from .booking_choice import (
    Choice,
    UnavailableTime,
    alternatives,
    check_time,
    describe_unavailable,
    instead,
    read_choice,
)
from .clinic_visit import visit_clinic
from .customer_form import DETAILS, read_customer
from .own_booking import (
    RecentBooking,
    caller_of,
    find_recent_booking,
    is_own_hold,
    link_of_own_booking,
    release_own_hold,
)
from .own_people import people_of

FORM: Final = ["/c/{name:str}/details", "/embed/{name:str}/details"]
CHECK: Final = ["/c/{name:str}/details/free", "/embed/{name:str}/details/free"]
FIELDS: Final = ("person", "name", "email", "phone", "birthDate", "known", "note", "zone")
MAX_BOOKING_FORM_BYTES: Final = 64 * 1024
"""Enough for a note of 5,000 characters in any script: browsers send up to twelve bytes for each."""


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
        return await _form(choice, {}, held_token=held_token)
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
    return visit.render("public/time_unavailable.html", cache_control=NO_STORE, gone=unavailable, query=choice.query)


async def _form(
    choice: Choice,
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
        typed = {"person": str(people[0].id), "email": people[0].email or "", "phone": people[0].phone or "", **typed}
    last_change = visit.catalogue.last_change(start) if visit.catalogue.cancel_notice_minutes else None
    key = _form_key(typed) or secrets.token_urlsafe(18)
    response = visit.render(
        "public/booking_form.html",
        cache_control=NO_STORE,
        status_code=status_code,
        type=choice.type,
        doctor=choice.doctor,
        start=start,
        end=choice.end,
        query=choice.query,
        day=clock.local_date(start, visit.catalogue.time_zone),
        last_change=last_change,
        grace_minutes=_grace_minutes(visit.catalogue, start, clock.now()),
        typed=dict.fromkeys(FIELDS, "") | typed,
        hold=held_token or typed.get("hold", ""),
        key=key,
        recent=recent,
        faults=dict.fromkeys(FIELDS, "") | (faults or {}),
        gone=unavailable,
        trouble=trouble,
        people=people,
        asks=visit.questions(choice.type, choice.doctor),
        asks_code=visit.request.user.is_stranger and visit.catalogue.confirm_address == "always",
    )
    if not visit.framed:
        add_form_key(response, visit.request, key)
    return response


def _grace_minutes(catalogue: Catalogue, start: datetime, now: datetime) -> int | None:
    """Return for how many minutes after booking patients can change an appointment that is already within the notice
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
    """Book in the same way as the API, but only once, however often the form is sent. `instead` replaces the time in
    the URL."""
    visit, typed = await visit_clinic(request, name), await parse_form(request)
    other_time = typed.get("instead", "")
    choice = read_choice(visit, instead(visit, query_params(request), other_time))
    if choice is None:
        return redirect(visit.address())
    people = await people_of(visit)
    booker_id = people[0].id if people else None
    patient_id = _patient_id(people, typed)
    try:
        content = (
            None if patient_id else read_customer(visit, typed, questions=visit.questions(choice.type, choice.doctor))
        )
    except errors.Invalid as invalid:
        is_blank = not any(typed.get(field, "").strip() for field in DETAILS)
        faults = {} if other_time.strip() and is_blank else dict(faults_by_field(invalid, visit.language))
        return await _form(choice, typed, status_code=400 if faults else 200, faults=faults)
    try:
        await release_own_hold(choice, typed.get("hold", ""))
        appointment = await _book(choice, typed, content, patient_id=patient_id, booker_id=booker_id)
    except errors.Conflict as refusal:
        unavailable = describe_unavailable(
            choice, refusal.type, await alternatives(choice, refusal), facts=refusal.facts
        )
        return await _form(choice, typed, status_code=PROBLEMS[refusal.type].status, unavailable=unavailable)
    except (errors.TooMany, errors.Unavailable) as refusal:
        problem = PROBLEMS[refusal.type]
        return await _form(
            choice, typed, status_code=problem.status, trouble=translate(visit.language, problem.happened)
        )
    return _booked_page(choice, appointment)


def _patient_id(people: Sequence[Any], typed: Mapping[str, str]) -> UUID | None:
    """Return the id of the person named in the form (the booker, if no one is named), or None for a new customer."""
    person = typed.get("person")
    for candidate in people:
        if person == str(candidate.id):
            return candidate.id
    return people[0].id if people and not person and not typed.get("name") else None


async def _book(
    choice: Choice,
    typed: Mapping[str, str],
    content: CustomerContent | None,
    *,
    patient_id: UUID | None,
    booker_id: UUID | None,
) -> Appointment:
    request, clinic_id = choice.visit.request, choice.visit.catalogue.clinic_id
    is_proven = not request.user.is_stranger or (
        content is not None and knows_address(request, content.email or content.phone or "", clock.now())
    )
    customer_id = patient_id or await _register(choice, typed, content, is_proven=is_proven)
    time = choice.time_request(typed.get("note", "").strip() or None)
    time.known_patient = {"yes": True, "no": False}.get(typed.get("known", ""))
    command = BookingCommand(
        clinic_id,
        [CustomerRequest(customer_id, time)],
        request.user,
        hold_length(request),
        clock.now(),
        booker_id=booker_id,
        idempotency=_idempotency_key(choice, typed, patient_id or content),
        limits=booking_limits(request, clinic_id),
        is_proven=is_proven,
        origin=stranger_origin(request, clinic_id),
    )
    result = await book_appointments(request.services.db, request.cache, command)
    (appointment,) = result.booking.appointments
    return appointment


def _booked_page(choice: Choice, appointment: Appointment) -> Response[Any]:
    """Redirect to the page for the code, or to the new appointment."""
    visit, request = choice.visit, choice.visit.request
    token = links.token(request.services.secret_key, appointment.id)
    if visit.framed or appointment.confirmation:
        response = redirect(visit.address(f"/confirm/{token}"))
    else:
        response = redirect(f"/appointments/{token}?new=1")
    if not visit.framed:
        set_booked_token(response, request.services.secret_key, token)
    return response


async def _register(
    choice: Choice, typed: Mapping[str, str], content: CustomerContent | None, *, is_proven: bool
) -> UUID:
    """Create a customer for each form, as the API does, so that visitors cannot find out whether one with the same
    address already exists. If visitors have confirmed the address before, use their existing record.
    """
    assert content, "the customer is new"
    request = choice.visit.request
    await request.services.limits.count(request, request.user, "registrations")
    await request.services.limits.count_recipients(request.user, (content.email, content.phone))
    register = customers.register_confirmed if is_proven and request.user.is_stranger else customers.register
    customer, _ = await idempotent(
        request,
        content,
        lambda tx: register(tx, request.user, content=content, now=clock.now()),
        remember=lambda customer: customer.id,
        recall=lambda tx, customer_id: customers.get(tx, UUID(customer_id)),
        key=_digest("customer", _form_key(typed), content),
        db=request.services.db.across(),
    )
    return customer.id


def _idempotency_key(
    choice: Choice, typed: Mapping[str, str], customer: UUID | CustomerContent | None
) -> IdempotencyKey | None:
    """Return the same key for the same form, time and person, even if the note has changed."""
    key = _digest("appointment", _form_key(typed), customer, choice.query)
    form_key = _form_key(typed)
    return IdempotencyKey(caller_of(form_key), key, bytes.fromhex(key)) if key and form_key else None


def _form_key(typed: Mapping[str, str]) -> str | None:
    return key if FORM_KEY.fullmatch(key := typed.get("key", "")) else None


def _digest(purpose: str, key: str | None, *values: Any) -> str | None:
    if key is None:
        return None
    return hashlib.sha256(msgspec.json.encode([purpose, key, *values], order="sorted")).hexdigest()


PAGES: Final = [show_form, check, book]
