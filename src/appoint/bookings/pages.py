"""Booking: who a patient is, and the booking itself. And one patient on staff's pages: who they are, what the clinic notes of them, and what they have booked."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from .. import clock, errors, phones
from ..appointments import links
from ..appointments import service as appointments
from ..appointments.api import caps, hold_for
from ..appointments.repository import appointment as appointment_of
from ..availability import service as availability
from ..availability.model import OfferedTime
from ..availability.pages import Visit, visit
from ..catalogue import service as catalogue
from ..catalogue.model import CatalogueDoctor, CatalogueType
from ..customers import service as customers
from ..customers.model import CustomerContent
from ..ids import PLATFORM
from ..web import decoding
from ..web import repository as records
from ..web.idempotency import once
from ..web.pages import OWN, asked, elsewhere, faults_by_field, form, go, id_of, instant_of, opened
from ..web.problems import PROBLEMS
from ..web.recording import Recorded
from ..web.request import Request
from ..web.staff import staff_page
from ..wire import FIRST_YEAR, LAST_YEAR
from ..wishes.model import Alternative, WishRequest
from ..words import one_line, say
from . import repository

MOST: Final = 30
FORM: Final = ["/c/{name:str}/details", "/embed/{name:str}/details"]
LOOK: Final = ["/c/{name:str}/details/free", "/embed/{name:str}/details/free"]
FIELDS: Final = ("name", "email", "phone", "note", "zone")
A_KEY: Final = re.compile("[A-Za-z0-9_-]{16,100}")


class Choice(NamedTuple):
    """What somebody is about to book."""

    here: Visit
    type: CatalogueType
    doctor: CatalogueDoctor | None
    """None: anyone who is free."""
    start: datetime

    @property
    def query(self) -> dict[str, Any]:
        return {"type": self.type.id, "doctor": self.doctor and self.doctor.id, "start": f"{self.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


class Gone(NamedTuple):
    """A time that cannot be booked: why, and what can be instead."""

    title: str
    text: str
    others: list[tuple[datetime, UUID, str]]
    """Starts and doctors, with their names."""


def _choice(here: Visit, said: Mapping[str, str]) -> Choice | None:
    type, start = here.type(said.get("type")), instant_of(said.get("start"))
    if type is None or start is None or not FIRST_YEAR < start.year < LAST_YEAR:
        return None
    return Choice(here, type, here.doctor(said.get("doctor"), type), start)


@get(FORM, operation_id="showBookingForm", opt=opened("public"), include_in_schema=False)
async def show_form(request: Request, name: FromPath[str]) -> Response[Any]:
    """Who are you, for a time that was chosen."""
    here = await visit(request, name)
    choice = _choice(here, asked(request))
    return await _form(choice, {}, gone=await _look(choice)) if choice else go(here.address())


@get(LOOK, operation_id="lookAtTime", opt=opened("public"), include_in_schema=False)
async def look(request: Request, name: FromPath[str]) -> Response[Any]:
    """204 while the time is free, for the script that looks while somebody types; else what the form says when it is not."""
    here = await visit(request, name)
    choice = _choice(here, asked(request))
    gone = await _look(choice) if choice else None
    return (
        here.show("bookings/templates/gone.html", cache_control=OWN, gone=gone, query=choice.query)
        if choice and gone
        else Response(None, status_code=204, headers={"Cache-Control": OWN})
    )


async def _look(choice: Choice) -> Gone | None:
    here = choice.here
    free, others = await availability.nearby(
        here.request.app.state.db, here.request.cache, clinic_id=here.book.clinic_id, appointment_type_id=choice.type.id,
        doctor_id=choice.doctor and choice.doctor.id, start=choice.start, now=clock.now(),
    )  # fmt: skip
    return None if free else _gone(choice, "taken", others)


def _gone(choice: Choice, reason: str, others: Sequence[OfferedTime | Alternative]) -> Gone:
    problem, book, language = PROBLEMS[reason], choice.here.book, choice.here.language
    text = say(language, "This time is not free any more.") if reason == "taken" else say(language, problem.happened)
    names = {id: doctor.name for id, doctor in book.doctors.items()}  # which may be older than what is offered
    return Gone(say(language, problem.title), text, [(each.start_time, each.doctor_id, names.get(each.doctor_id, "")) for each in others])


async def _form(
    choice: Choice, typed: dict[str, str], *, status_code: int = 200, faults: dict[str, str] | None = None, gone: Gone | None = None, trouble: str | None = None
) -> Response[Any]:
    here, start = choice.here, choice.start
    patient = _patient(here)
    customer = await customers.get(here.request.app.state.db.across(), patient) if patient else None
    if customer:
        await records.record(here.request.app.state.db, here.request.user, clinic_id=PLATFORM, subjects=[str(customer.id)], reason=None)
    changeable = here.book.last_change(start) if here.book.cancel_notice_minutes else None
    return here.show(
        "bookings/templates/details.html", cache_control=OWN, status_code=status_code,
        type=choice.type, doctor=choice.doctor, start=start, end=start + timedelta(minutes=choice.type.minutes), query=choice.query,
        day=clock.local_date(start, here.book.time_zone), changeable=changeable if changeable and changeable > clock.now() else None,
        typed=dict.fromkeys(FIELDS, "") | typed, key=_key(typed) or secrets.token_urlsafe(18), faults=dict.fromkeys(FIELDS, "") | (faults or {}), gone=gone, trouble=trouble, customer=customer,
    )  # fmt: skip


def _patient(here: Visit) -> UUID | None:
    """Who has signed in. In another site's frame nobody has: what is clicked there may not be what is seen."""
    return None if here.framed else here.request.user.customer_id


@post(FORM, operation_id="bookByForm", status_code=200, opt=opened("book"), include_in_schema=False)
async def book(request: Request, name: FromPath[str]) -> Response[Any]:
    """Books as the API does: once, however often the form is sent. `instead` is another time than the one of the address."""
    here, typed = await visit(request, name), await form(request)
    start, _, doctor = typed.get("instead", "").partition(" ")
    choice = _choice(here, {**asked(request), **({"start": start, **({"doctor": doctor} if doctor else {})} if start else {})})
    if choice is None:
        return go(here.address())
    patient = _patient(here)
    try:
        content = None if patient else _content(here, typed)
    except errors.Invalid as invalid:
        nothing = not any(typed.get(field, "").strip() for field in ("name", "email", "phone"))
        faults = {} if start and nothing else dict(faults_by_field(invalid, here.language))
        return await _form(choice, typed, status_code=400 if faults else 200, faults=faults)
    try:
        customer_id = patient or await _register(choice, typed, content)
        booked = await appointments.book(
            request.app.state.db, request.cache, request.user, clinic_id=here.book.clinic_id, wishes=[(customer_id, _wish(choice, typed))],
            repeat=_repeat(choice, typed, content), hold_for=hold_for(request), caps=caps(request, here.book.clinic_id), now=clock.now(),
        )  # fmt: skip
    except errors.Conflict as refusal:
        gone = _gone(choice, refusal.type, refusal.facts.get("alternatives", []))
        return await _form(choice, typed, status_code=PROBLEMS[refusal.type].status, gone=gone)
    except (errors.TooMany, errors.Unavailable) as refusal:
        problem = PROBLEMS[refusal.type]
        return await _form(choice, typed, status_code=problem.status, trouble=say(here.language, problem.happened))
    appointment = appointment_of(booked.rows[0])
    token = links.token(request.app.state.secret_key, appointment.id)
    if not here.framed:
        return go(f"/appointments/{token}?new=1")
    known = await catalogue.of(request.app.state.db, request.cache, here.book.clinic_id)  # as the booking knew it
    return here.show(
        "bookings/templates/booked.html", cache_control=OWN, type=choice.type, appointment=appointment, doctor=known.doctors[appointment.doctor_id],
        link=f"/appointments/{token}",
    )  # fmt: skip


def _wish(choice: Choice, typed: Mapping[str, str]) -> WishRequest:
    return WishRequest(
        doctor_id=choice.doctor.id if choice.doctor else None,
        start_time=choice.start,
        appointment_type_id=choice.type.id,
        notes=typed.get("note", "").strip() or None,
    )


def _content(here: Visit, typed: Mapping[str, str]) -> CustomerContent:
    """Who they say they are. Raises `Invalid` with all that is wrong with it."""
    said = {field: one_line(typed.get(field)) for field in ("name", "email", "phone")}
    number = phones.e164(said["phone"], time_zone=here.book.time_zone, locale=here.book.locale) if said["phone"] else None
    faults: list[errors.Fault] = []
    if not (said["email"] or said["phone"]):
        faults.append(errors.Fault("#/email", "is needed, or a phone number"))
    if said["phone"] and number is None:
        faults.append(errors.Fault("#/phone", "is no phone number that could be called; with the country's code it always works"))
    known = {"name": said["name"], "email": said["email"] or None, "phone": number, "locale": here.language, "timeZone": typed.get("zone")}
    if known["timeZone"] not in clock.ZONES:
        known["timeZone"] = None
    try:
        content = decoding.body(CustomerContent, msgspec.json.encode(known))
    except errors.Invalid as invalid:
        in_words = {"#/email": errors.Fault("#/email", "must be an e-mail address, such as ana@example.org")}
        faults += [in_words.get(fault.pointer, fault) for fault in invalid.faults]
        raise errors.Invalid(*faults) from invalid
    if faults:
        raise errors.Invalid(*faults)
    return content


async def _register(choice: Choice, typed: Mapping[str, str], content: CustomerContent | None) -> UUID:
    """A customer of their own for each form, as the API makes them: whether there is one like it is told to nobody."""
    assert content, "of whom nobody knows yet"
    request = choice.here.request
    await request.app.state.limits.count(request, request.user, "registrations")
    customer, _ = await once(
        request, content, lambda tx: customers.register(tx, request.user, content=content, now=clock.now()), remember=lambda customer: customer.id,
        recall=lambda tx, known: customers.get(tx, UUID(known)), key=_digest("customer", _key(typed), content), db=Recorded(request.app.state.db.across(), request),
    )  # fmt: skip
    return customer.id


def _repeat(choice: Choice, typed: Mapping[str, str], content: CustomerContent | None) -> appointments.Repeat | None:
    """The same form for the same time and person, whatever its note says by now."""
    key = _digest("appointment", _key(typed), content, choice.query)
    return appointments.Repeat(choice.here.request.user.key, key, bytes.fromhex(key)) if key else None


def _key(typed: Mapping[str, str]) -> str | None:
    return key if A_KEY.fullmatch(key := typed.get("key", "")) else None


def _digest(what: str, key: str | None, *of: Any) -> str | None:
    return hashlib.sha256(msgspec.json.encode([what, key, *of], order="sorted")).hexdigest() if key else None


@get("/staff/{clinic_id:int}/patients/{customer_id:uuid}", operation_id="showPatient", opt=opened("see-patients"), include_in_schema=False)
async def patient(request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]) -> Response[Any]:
    """A doctor sees their own appointments with the patient alone."""
    said, now = asked(request), clock.now()
    found = await customers.get_patient(request.db, clinic_id, customer_id)
    whose: dict[str, Any] = {"clinic_id": clinic_id, "customer_id": customer_id, "doctor_id": request.grant.doctor_id, "limit": MOST}
    coming = await repository.coming(request.db, **whose, now=now)
    past = await repository.past(request.db, **whose, now=now, before=id_of(said.get("before")))
    return await staff_page(
        request, "bookings/templates/patient.html", clinic_id=clinic_id, place="patients", shown=[found, *coming[:MOST], *past[:MOST]],
        patient=found, coming=coming[:MOST], past=past[:MOST],
        next=elsewhere(request, before=past[MOST - 1].id) if len(past) > MOST else None,
    )  # fmt: skip


PAGES: Final = [show_form, look, book, patient]
