"""Booking: who a patient is, and the booking itself."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from ... import audit
from ...booking import links
from ...booking import repository as appointments_repository
from ...booking.availability import service as availability
from ...booking.availability.model import DayFilter, OfferedTime
from ...booking.book import book as book_appointments
from ...booking.model import LIVE
from ...booking.planning import BookingCommand, CustomerRequest, IdempotencyKey
from ...booking.request_context import booking_limits, hold_length
from ...booking.rules import Alternative, TimeRequest
from ...clinics.catalogue import service as catalogue
from ...clinics.catalogue.model import CatalogueDoctor, CatalogueType
from ...customers import service as customers
from ...customers.model import CustomerContent
from ...http import decoding
from ...http.cookies import booked_of, keep_booked, people_of
from ...http.forms import parse_form, parse_id, parse_instant, query_params
from ...http.idempotency import idempotent
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, phones
from ...kit.fields import FIRST_YEAR, LAST_YEAR
from ...kit.i18n import one_line, translate
from ...kit.ids import PLATFORM, clinic_of
from ..rendering import NO_STORE, faults_by_field, redirect, written
from .find import Visit, visit

FORM: Final = ["/c/{name:str}/details", "/embed/{name:str}/details"]
LOOK: Final = ["/c/{name:str}/details/free", "/embed/{name:str}/details/free"]
FIELDS: Final = ("person", "name", "email", "phone", "note", "zone")
A_KEY: Final = re.compile("[A-Za-z0-9_-]{16,100}")
A_DAY: Final = timedelta(days=1)


class Choice(NamedTuple):
    """What somebody is about to book."""

    here: Visit
    type: CatalogueType | None
    """None: a whole slot, which is a doctor's."""
    doctor: CatalogueDoctor | None
    """None: anyone who is free."""
    start: datetime
    end: datetime
    wanted: CatalogueDoctor | None
    """With whom somebody wants it; None: with anyone, whoever's slot it is."""

    @property
    def query(self) -> dict[str, Any]:
        whom = {
            "type": self.type and self.type.id,
            "doctor": self.wanted and self.wanted.id,
            "start": written(self.start),
        }
        return whom if self.type else {**whom, "end": written(self.end), "whose": self.doctor and self.doctor.id}


class Gone(NamedTuple):
    """A time that cannot be booked: why, and what can be instead."""

    title: str
    text: str
    others: Sequence[OfferedTime | Alternative]
    names: Mapping[UUID, str]
    """Of the doctors."""


def _choice(here: Visit, said: Mapping[str, str]) -> Choice | None:
    """By an address: of a type, `start`, and `doctor` if with one; or of a whole slot, `start`, `end`, `whose` it is,
    and `doctor` if somebody wants that one."""
    type, start = here.type(said.get("type")), parse_instant(said.get("start"))
    if start is None or not FIRST_YEAR < start.year < LAST_YEAR:
        return None
    wanted = here.doctor(said.get("doctor"), type)
    if type:
        return Choice(here, type, wanted, start, start + timedelta(minutes=type.minutes), wanted)
    whose, end = parse_id(said.get("whose")), parse_instant(said.get("end"))
    if not (here.whole_slots and whose and whose in here.book.doctors and end and start < end <= start + A_DAY):
        return None
    return Choice(here, None, here.book.doctors[whose], start, end, wanted)


@get(FORM, operation_id="showBookingForm", opt=route(permission="public", page=True), include_in_schema=False)
async def show_form(request: Request, name: FromPath[str]) -> Response[Any]:
    """Who are you, for a time that was chosen."""
    here = await visit(request, name)
    choice = _choice(here, query_params(request))
    if choice is None:
        return redirect(here.address())
    gone = await _look(choice)
    own = await _own(choice) if gone else None
    return redirect(own) if own else await _form(choice, {}, gone=gone)


async def _own(choice: Choice) -> str | None:
    """The address of the appointment that this browser has booked at this very time: who comes back to the form is told
    of it, and not that somebody was first."""
    request, token = choice.here.request, booked_of(choice.here.request)
    appointment_id = links.appointment_of(request.services.secret_key, token)
    if choice.here.framed or appointment_id is None or clinic_of(appointment_id) != choice.here.book.clinic_id:
        return None
    stored = await appointments_repository.find(
        request.services.db, clinic_id=choice.here.book.clinic_id, appointment_id=appointment_id
    )
    same = (
        stored
        and stored.appointment.status in LIVE
        and stored.appointment.start_time == choice.start
        and (choice.doctor is None or stored.appointment.doctor_id == choice.doctor.id)
    )
    return f"/appointments/{token}" if same else None


@get(LOOK, operation_id="lookAtTime", opt=route(permission="public", page=True), include_in_schema=False)
async def look(request: Request, name: FromPath[str]) -> Response[Any]:
    """204 while the time is free, for the script that looks while somebody types; else what the form says when it is
    not."""
    here = await visit(request, name)
    choice = _choice(here, query_params(request))
    gone = await _look(choice) if choice else None
    return (
        here.show("public/gone.html", cache_control=NO_STORE, gone=gone, query=choice.query)
        if choice and gone
        else Response(None, status_code=204, headers={"Cache-Control": NO_STORE})
    )


async def _look(choice: Choice) -> Gone | None:
    here = choice.here
    asked = DayFilter(appointment_type_id=choice.type and choice.type.id, doctor_id=choice.doctor and choice.doctor.id)
    free = await availability.is_free(
        here.request.services.db,
        here.request.cache,
        clinic_id=here.book.clinic_id,
        asked=asked,
        start=choice.start,
        end=choice.end,
        now=clock.now(),
    )
    return None if free else _gone(choice, "taken", await _nearest(choice))


async def _nearest(choice: Choice) -> list[OfferedTime]:
    here = choice.here
    asked = DayFilter(appointment_type_id=choice.type and choice.type.id, doctor_id=choice.wanted and choice.wanted.id)
    return await availability.nearest_free(
        here.request.services.db,
        here.request.cache,
        clinic_id=here.book.clinic_id,
        asked=asked,
        start=choice.start,
        now=clock.now(),
    )


def _gone(choice: Choice, reason: str, others: Sequence[OfferedTime | Alternative]) -> Gone:
    problem, book, language = PROBLEMS[reason], choice.here.book, choice.here.language
    text = (
        translate(language, "This time is no longer available.")
        if reason == "taken"
        else translate(language, problem.happened)
    )
    names = {id: doctor.name for id, doctor in book.doctors.items()}  # which may be older than what is offered
    return Gone(translate(language, problem.title), text, others, names)


async def _form(
    choice: Choice,
    typed: dict[str, str],
    *,
    status_code: int = 200,
    faults: dict[str, str] | None = None,
    gone: Gone | None = None,
    trouble: str | None = None,
) -> Response[Any]:
    here, start = choice.here, choice.start
    people = await _people(here)
    if people:
        await audit.record(
            here.request.services.db,
            here.request.user,
            clinic_id=PLATFORM,
            subjects=[person.id for person in people],
        )
        typed = {"person": str(people[0].id), "email": people[0].email or "", "phone": people[0].phone or "", **typed}
    changeable = here.book.last_change(start) if here.book.cancel_notice_minutes else None
    return here.show(
        "public/details.html",
        cache_control=NO_STORE,
        status_code=status_code,
        type=choice.type,
        doctor=choice.doctor,
        start=start,
        end=choice.end,
        query=choice.query,
        day=clock.local_date(start, here.book.time_zone),
        changeable=changeable if changeable and changeable > clock.now() else None,
        typed=dict.fromkeys(FIELDS, "") | typed,
        key=_key(typed) or secrets.token_urlsafe(18),
        faults=dict.fromkeys(FIELDS, "") | (faults or {}),
        gone=gone,
        trouble=trouble,
        people=people,
    )


async def _people(here: Visit) -> list[Any]:
    """Who has signed in, and who shares their address; of those with one name the first. In another site's frame it is
    nobody: what is clicked there may not be what is seen."""
    customer_id = here.request.user.customer_id
    if here.framed or customer_id is None:
        return []
    own, others = await customers.linked_customers(
        here.request.services.db.across(), customer_id, people_of(here.request)
    )
    named: dict[str, Any] = {}
    for person in (own, *others):
        named.setdefault(person.name.casefold(), person)
    return list(named.values())


@post(
    FORM, operation_id="bookByForm", status_code=200, opt=route(permission="book", page=True), include_in_schema=False
)
async def book(request: Request, name: FromPath[str]) -> Response[Any]:
    """Books as the API does: once, however often the form is sent. `instead` is another time than the one of the
    address."""
    here, typed = await visit(request, name), await parse_form(request)
    said, instead = query_params(request), typed.get("instead", "").split()
    choice = _choice(
        here,
        {
            **said,
            **dict(
                zip(
                    ("start", "doctor") if here.type(said.get("type")) else ("start", "end", "whose"),
                    instead,
                    strict=False,
                )
            ),
        },
    )
    if choice is None:
        return redirect(here.address())
    people = await _people(here)
    booker = people[0].id if people else None
    patient = next(
        (person.id for person in people if typed.get("person") == str(person.id)),
        None if typed.get("person") or typed.get("name") else booker,
    )
    try:
        content = None if patient else _content(here, typed)
    except errors.Invalid as invalid:
        nothing = not any(typed.get(field, "").strip() for field in ("name", "email", "phone"))
        faults = {} if instead and nothing else dict(faults_by_field(invalid, here.language))
        return await _form(choice, typed, status_code=400 if faults else 200, faults=faults)
    try:
        customer_id = patient or await _register(choice, typed, content)
        command = BookingCommand(
            here.book.clinic_id,
            [CustomerRequest(customer_id, _time(choice, typed))],
            request.user,
            hold_length(request),
            clock.now(),
            booker_id=booker,
            idempotency=_idempotency_key(choice, typed, patient or content),
            limits=booking_limits(request, here.book.clinic_id),
        )
        booked = await book_appointments(request.services.db, request.cache, command)
    except errors.Conflict as refusal:
        gone = _gone(choice, refusal.type, await _instead(choice, refusal))
        return await _form(choice, typed, status_code=PROBLEMS[refusal.type].status, gone=gone)
    except (errors.TooMany, errors.Unavailable) as refusal:
        problem = PROBLEMS[refusal.type]
        return await _form(
            choice, typed, status_code=problem.status, trouble=translate(here.language, problem.happened)
        )
    (appointment,) = booked.written.appointments
    token = links.token(request.services.secret_key, appointment.id)
    if not here.framed:
        response = redirect(f"/appointments/{token}?new=1")
        keep_booked(response, token)
        return response
    known = await catalogue.get(request.services.db, request.cache, here.book.clinic_id)  # as the booking knew it
    return here.show(
        "public/booked.html",
        cache_control=NO_STORE,
        type=choice.type,
        appointment=appointment,
        doctor=known.doctors[appointment.doctor_id],
        link=f"/appointments/{token}",
    )


async def _instead(choice: Choice, refusal: errors.Conflict) -> Sequence[OfferedTime | Alternative]:
    alternatives: list[Alternative] = refusal.facts.get("alternatives", [])
    if choice.type or refusal.type.startswith("too-many"):
        return alternatives
    return [
        slot for slot in await _nearest(choice) if refusal.type != "customer-busy" or slot.start_time != choice.start
    ]  # those are parts of slots


def _time(choice: Choice, typed: Mapping[str, str]) -> TimeRequest:
    """A slot by whose and when it is: what has its id may have been cut since it was chosen."""
    return TimeRequest(
        doctor_id=choice.doctor and choice.doctor.id,
        start_time=choice.start,
        end_time=None if choice.type else choice.end,
        appointment_type_id=choice.type and choice.type.id,
        notes=typed.get("note", "").strip() or None,
    )


def _content(here: Visit, typed: Mapping[str, str]) -> CustomerContent:
    """Who they say they are. Raises `Invalid` with all that is wrong with it."""
    said = {field: one_line(typed.get(field)) for field in ("name", "email", "phone")}
    number = (
        phones.to_e164(said["phone"], time_zone=here.book.time_zone, locale=here.book.locale) if said["phone"] else None
    )
    faults: list[errors.Fault] = []
    if not (said["email"] or said["phone"]):
        faults.append(errors.Fault("#/email", "is required, or enter a phone number"))
    if said["phone"] and number is None:
        faults.append(errors.Fault("#/phone", "is not a valid phone number; include the country code"))
    known = {
        "name": said["name"],
        "email": said["email"] or None,
        "phone": number,
        "locale": here.language,
        "timeZone": typed.get("zone"),
    }
    if known["timeZone"] not in clock.ZONES:
        known["timeZone"] = None
    try:
        content = decoding.convert(CustomerContent, known)
    except errors.Invalid as invalid:
        in_words = {"#/email": errors.Fault("#/email", "must be an email address, such as ana@example.org")}
        faults += [in_words.get(fault.pointer, fault) for fault in invalid.faults]
        raise errors.Invalid(*faults) from invalid
    if faults:
        raise errors.Invalid(*faults)
    return content


async def _register(choice: Choice, typed: Mapping[str, str], content: CustomerContent | None) -> UUID:
    """A customer of their own for each form, as the API makes them: whether there is one like it is told to nobody."""
    assert content, "of whom nobody knows yet"
    request = choice.here.request
    await request.services.limits.count(request, request.user, "registrations")
    customer, _ = await idempotent(
        request,
        content,
        lambda tx: customers.register(tx, request.user, content=content, now=clock.now()),
        remember=lambda customer: customer.id,
        recall=lambda tx, known: customers.get(tx, UUID(known)),
        key=_digest("customer", _key(typed), content),
        db=request.services.db.across(),
    )
    return customer.id


def _idempotency_key(
    choice: Choice, typed: Mapping[str, str], who: UUID | CustomerContent | None
) -> IdempotencyKey | None:
    """The same form for the same time and person, whatever its note says by now."""
    key = _digest("appointment", _key(typed), who, choice.query)
    return IdempotencyKey(choice.here.request.user.key, key, bytes.fromhex(key)) if key else None


def _key(typed: Mapping[str, str]) -> str | None:
    return key if A_KEY.fullmatch(key := typed.get("key", "")) else None


def _digest(what: str, key: str | None, *of: Any) -> str | None:
    return hashlib.sha256(msgspec.json.encode([what, key, *of], order="sorted")).hexdigest() if key else None


PAGES: Final = [show_form, look, book]
