"""The booking form: the patient's details, and the booking itself."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from ... import audit
from ...booking import links
from ...booking import service as appointments
from ...booking.book import book as book_appointments
from ...booking.model import LIVE, Appointment
from ...booking.planning import BookingCommand, CustomerRequest, IdempotencyKey
from ...booking.request_context import booking_limits, hold_length
from ...clinics.catalogue import service as catalogues
from ...customers import service as customers
from ...customers.model import CustomerContent
from ...http.cookies import booked_token_of, linked_customers_of, set_booked_token
from ...http.forms import parse_form, query_params
from ...http.idempotency import idempotent
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.i18n import translate
from ...kit.ids import PLATFORM, clinic_of
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
from .clinic_visit import ClinicVisit, visit_clinic
from .customer_form import DETAILS, read_customer

FORM: Final = ["/c/{name:str}/details", "/embed/{name:str}/details"]
CHECK: Final = ["/c/{name:str}/details/free", "/embed/{name:str}/details/free"]
FIELDS: Final = ("person", "name", "email", "phone", "note", "zone")
MAX_BOOKING_FORM_BYTES: Final = 64 * 1024
"""Enough for a note of 5,000 characters in any script: browsers send up to twelve bytes for each."""
FORM_KEY: Final = re.compile("[A-Za-z0-9_-]{16,100}")


@get(FORM, operation_id="showBookingForm", opt=route(permission="public", page=True), include_in_schema=False)
async def show_form(request: Request, name: FromPath[str]) -> Response[Any]:
    """Ask for the patient's details for a chosen time."""
    visit = await visit_clinic(request, name)
    choice = read_choice(visit, query_params(request))
    if choice is None:
        return redirect(visit.address())
    unavailable = await check_time(choice)
    own_link = await _link_of_own_booking(choice) if unavailable else None
    return redirect(own_link) if own_link else await _form(choice, {}, unavailable=unavailable)


async def _link_of_own_booking(choice: Choice) -> str | None:
    """Return the link to the appointment that this browser booked at this exact time.

    Visitors who come back to the form see their appointment rather than a notice that the time is taken.
    """
    request, visit = choice.visit.request, choice.visit
    token = booked_token_of(request)
    appointment_id = links.appointment_of(request.services.secret_key, token)
    if visit.framed or appointment_id is None or clinic_of(appointment_id) != visit.catalogue.clinic_id:
        return None
    try:
        appointment = await appointments.get(request.services.db, appointment_id)
    except errors.NotFound:
        return None
    return f"/appointments/{token}" if _is_at(appointment, choice) else None


def _is_at(appointment: Appointment, choice: Choice) -> bool:
    return (
        appointment.status in LIVE
        and appointment.start_time == choice.start
        and (choice.doctor is None or appointment.doctor_id == choice.doctor.id)
    )


@get(CHECK, operation_id="lookAtTime", opt=route(permission="public", page=True), include_in_schema=False)
async def check(request: Request, name: FromPath[str]) -> Response[Any]:
    """Respond with 204 while the time is available, and otherwise with the notice for the form. A script polls this
    while the visitor types.
    """
    visit = await visit_clinic(request, name)
    choice = read_choice(visit, query_params(request))
    unavailable = await check_time(choice) if choice else None
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
) -> Response[Any]:
    visit, start = choice.visit, choice.start
    people = await _people(visit)
    if people:
        await audit.record(
            visit.request.services.db,
            visit.request.user,
            clinic_id=PLATFORM,
            subjects=[person.id for person in people],
        )
        typed = {"person": str(people[0].id), "email": people[0].email or "", "phone": people[0].phone or "", **typed}
    last_change = visit.catalogue.last_change(start) if visit.catalogue.cancel_notice_minutes else None
    return visit.render(
        "public/booking_form.html",
        cache_control=NO_STORE,
        status_code=status_code,
        type=choice.type,
        doctor=choice.doctor,
        start=start,
        end=choice.end,
        query=choice.query,
        day=clock.local_date(start, visit.catalogue.time_zone),
        changeable=last_change if last_change and last_change > clock.now() else None,
        typed=dict.fromkeys(FIELDS, "") | typed,
        key=_form_key(typed) or secrets.token_urlsafe(18),
        faults=dict.fromkeys(FIELDS, "") | (faults or {}),
        gone=unavailable,
        trouble=trouble,
        people=people,
    )


async def _people(visit: ClinicVisit) -> Sequence[Any]:
    """Return the signed-in customer and the others who share their address, one per name.

    Return no one inside another site's frame, which could trick the visitor into clicking (clickjacking).
    """
    customer_id = visit.request.user.customer_id
    if visit.framed or customer_id is None:
        return []
    customer, others = await customers.find_linked_customers(
        visit.request.services.db.across(), customer_id, linked_customers_of(visit.request)
    )
    by_name: dict[str, Any] = {}
    for person in (customer, *others):
        by_name.setdefault(person.name.casefold(), person)
    return list(by_name.values())


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
    people = await _people(visit)
    booker_id = people[0].id if people else None
    patient_id = _patient_id(people, typed)
    try:
        content = None if patient_id else read_customer(visit, typed)
    except errors.Invalid as invalid:
        is_blank = not any(typed.get(field, "").strip() for field in DETAILS)
        faults = {} if other_time.strip() and is_blank else dict(faults_by_field(invalid, visit.language))
        return await _form(choice, typed, status_code=400 if faults else 200, faults=faults)
    try:
        appointment = await _book(choice, typed, content, patient_id=patient_id, booker_id=booker_id)
    except errors.Conflict as refusal:
        unavailable = describe_unavailable(choice, refusal.type, await alternatives(choice, refusal))
        return await _form(choice, typed, status_code=PROBLEMS[refusal.type].status, unavailable=unavailable)
    except (errors.TooMany, errors.Unavailable) as refusal:
        problem = PROBLEMS[refusal.type]
        return await _form(
            choice, typed, status_code=problem.status, trouble=translate(visit.language, problem.happened)
        )
    return await _booked_page(choice, appointment)


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
    customer_id = patient_id or await _register(choice, typed, content)
    time = choice.time_request(typed.get("note", "").strip() or None)
    command = BookingCommand(
        clinic_id,
        [CustomerRequest(customer_id, time)],
        request.user,
        hold_length(request),
        clock.now(),
        booker_id=booker_id,
        idempotency=_idempotency_key(choice, typed, patient_id or content),
        limits=booking_limits(request, clinic_id),
    )
    result = await book_appointments(request.services.db, request.cache, command)
    (appointment,) = result.booking.appointments
    return appointment


async def _booked_page(choice: Choice, appointment: Appointment) -> Response[Any]:
    """Redirect to the new appointment or, in a frame, show a link to it."""
    visit, request = choice.visit, choice.visit.request
    token = links.token(request.services.secret_key, appointment.id)
    if not visit.framed:
        response = redirect(f"/appointments/{token}?new=1")
        set_booked_token(response, token)
        return response
    # load the catalogue again, because the booking may have refreshed it
    catalogue = await catalogues.get(request.services.db, request.cache, visit.catalogue.clinic_id)
    return visit.render(
        "public/booked.html",
        cache_control=NO_STORE,
        type=choice.type,
        appointment=appointment,
        doctor=catalogue.doctors[appointment.doctor_id],
        link=f"/appointments/{token}",
    )


async def _register(choice: Choice, typed: Mapping[str, str], content: CustomerContent | None) -> UUID:
    """Create a customer for each form, as the API does, so that visitors cannot find out whether one with the same
    address already exists.
    """
    assert content, "the customer is new"
    request = choice.visit.request
    await request.services.limits.count(request, request.user, "registrations")
    customer, _ = await idempotent(
        request,
        content,
        lambda tx: customers.register(tx, request.user, content=content, now=clock.now()),
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
    return IdempotencyKey(choice.visit.request.user.key, key, bytes.fromhex(key)) if key else None


def _form_key(typed: Mapping[str, str]) -> str | None:
    return key if FORM_KEY.fullmatch(key := typed.get("key", "")) else None


def _digest(purpose: str, key: str | None, *values: Any) -> str | None:
    if key is None:
        return None
    return hashlib.sha256(msgspec.json.encode([purpose, key, *values], order="sorted")).hexdigest()


PAGES: Final = [show_form, check, book]
