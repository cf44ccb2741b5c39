"""Booking at the desk for staff whose browser does not run scripts. The page does the same as the board's panel, with
plain forms.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST, HTTP_409_CONFLICT

from ...booking.availability.next_free import NextFree, NextFreeFilter, find_next_free
from ...booking.book import book as book_appointments
from ...booking.planning import BookingCommand, CustomerRequest
from ...booking.request_context import hold_length, visible_doctors
from ...booking.time_rules import TimeRequest
from ...clinics.catalogue import service as catalogues
from ...clinics.catalogue.model import Catalogue
from ...customers import lists
from ...customers import service as customers
from ...customers.lists import ListedPatient
from ...customers.model import CustomerContent, search_terms
from ...http import decoding
from ...http.forms import parse_form, parse_id, parse_minute, query_params
from ...http.languages import language_for, typed_date, typed_iso_date
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, phones
from ...kit.fields import FIRST_YEAR, LAST_YEAR
from ...kit.i18n import one_line
from ..patient.manage_link import describe_refusal
from ..rendering import faults_by_field, redirect, url_with
from ..staff_frame import staff_page

PAGE: Final = "/staff/{clinic_id:int}/book"
RUN: Final = route(permission="run-appointments", page=True, narrows=True)
MAX_TIMES: Final = 12
MAX_MATCHES: Final = 12
DEFAULT_MINUTES: Final = 30
"""The length of an appointment without a type."""


class DeskChoice(NamedTuple):
    """What the query says about the appointment."""

    catalogue: Catalogue
    type_id: UUID | None
    doctor_id: UUID | None
    own_id: UUID | None
    """The only doctor for whom the user may book, or None if they may book for all."""

    def allows(self, doctor_id: UUID | None) -> bool:
        """Return whether the user may book an appointment with the doctor."""
        return doctor_id in self.catalogue.doctors and self.own_id in (None, doctor_id)

    @property
    def minutes(self) -> int:
        type = self.catalogue.types.get(self.type_id) if self.type_id else None
        return type.minutes if type else DEFAULT_MINUTES


@get(PAGE, operation_id="showDeskBooking", opt=RUN, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await _page(request, clinic_id)


@post(PAGE, operation_id="bookAtDesk", status_code=HTTP_200_OK, opt=RUN, include_in_schema=False)
async def book(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Book the time that was pressed or typed in, for the chosen patient or for a new one."""
    typed = await parse_form(request)
    choice = await _choice(request, clinic_id)
    customer_id = parse_id(query_params(request).get("patient")) or parse_id(typed.get("registered"))
    try:
        time = _time(request, choice, typed)
        customer_id = customer_id or await _register(request, choice.catalogue, typed)
        command = BookingCommand(
            clinic_id, [CustomerRequest(customer_id, time)], request.user, hold_length(request), clock.now()
        )
        result = await book_appointments(request.services.db, request.cache, command)
    except errors.Invalid as invalid:
        return await _page(request, clinic_id, typed=typed, faults=faults_by_field(invalid, language_for(request)))
    except errors.Conflict as refusal:
        return await _page(request, clinic_id, typed=typed, refusal=refusal, registered=customer_id)
    (appointment,) = result.booking.appointments
    return redirect(f"/staff/{clinic_id}/appointments/{appointment.id}")


async def _choice(request: Request, clinic_id: int) -> DeskChoice:
    """Return the choice. Raise `NotFound` for a type that the clinic doesn't have or a doctor whom the user may not
    see."""
    query = query_params(request)
    catalogue = await catalogues.get(request.db, request.cache, clinic_id)
    types = [type.id for type in catalogue.active_types]
    type_id = parse_id(query["type"]) if "type" in query else next(iter(types), None)
    choice = DeskChoice(catalogue, type_id, parse_id(query.get("doctor")), request.grant.doctor_id)
    if (type_id and type_id not in types) or (choice.doctor_id and not choice.allows(choice.doctor_id)):
        raise errors.NotFound
    return choice


def _time(request: Request, choice: DeskChoice, typed: Mapping[str, str]) -> TimeRequest:
    """Return the time of the pressed button, or the typed one. Raise `Invalid` for a time that cannot be understood,
    and `NotFound` for a button that the page does not contain."""
    act = typed.get("act", "")
    if act == "typed":
        start = _instant(request, typed, choice.catalogue.time_zone)
        doctor_id = parse_id(typed.get("whose"))
    else:
        start, doctor_id = parse_minute(act), parse_id(typed.get(f"doctor-{act}"))
    if start is None or not choice.allows(doctor_id):
        raise errors.NotFound
    return TimeRequest(
        doctor_id=doctor_id,
        start_time=start,
        appointment_type_id=choice.type_id,
        end_time=None if choice.type_id else start + timedelta(minutes=choice.minutes),
        notes=typed.get("notes", "").strip() or None,
    )


def _instant(request: Request, typed: Mapping[str, str], time_zone: str) -> datetime:
    day = typed_date(request, typed.get("date"), time_zone)
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise errors.Invalid(errors.Fault("#/date", "must be a date, such as 2027-03-01"))
    try:
        wall = datetime.fromisoformat(f"{day}T{typed.get('time', '')}")
    except ValueError:
        raise errors.Invalid(errors.Fault("#/time", "is not a valid time")) from None
    return wall.replace(tzinfo=clock.zone(time_zone)).astimezone(UTC)


async def _register(request: Request, catalogue: Catalogue, typed: Mapping[str, str]) -> UUID:
    """Register a new patient. Raise `Invalid` with all faults."""
    phone = one_line(typed.get("phone"))
    number = phones.to_e164(phone, time_zone=catalogue.time_zone, locale=catalogue.locale) if phone else None
    if phone and number is None:
        raise errors.Invalid(errors.Fault("#/phone", "is not a valid phone number; include the country code"))
    content = decoding.convert(
        CustomerContent,
        {
            "name": one_line(typed.get("name")),
            "birthDate": typed_iso_date(request, typed.get("birthDate"), catalogue.time_zone) or None,
            "email": one_line(typed.get("email")) or None,
            "phone": number,
            "timeZone": catalogue.time_zone,
        },
    )
    await request.services.limits.count_recipients(request.user, (content.email, content.phone))
    everywhere = request.services.db.across()
    return (await everywhere.atomic(customers.register, request.user, content=content, now=clock.now())).id


async def _page(
    request: Request,
    clinic_id: int,
    *,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    refusal: errors.Conflict | None = None,
    registered: UUID | None = None,
) -> Response[Any]:
    query = query_params(request)
    choice = await _choice(request, clinic_id)
    patient_id = parse_id(query.get("patient"))
    patient = await customers.get_patient(request.db, clinic_id, patient_id) if patient_id else None
    matches = await _matches(request, clinic_id) if patient is None else []
    free = await _free_times(request, choice)
    return await staff_page(
        request,
        "staff/day/book.html",
        clinic_id=clinic_id,
        place="day",
        status_code=HTTP_409_CONFLICT if refusal else HTTP_400_BAD_REQUEST if faults else HTTP_200_OK,
        subjects=[patient.id] if patient else [match.id for match in matches],
        choice=choice,
        doctors=[each for each in choice.catalogue.doctors_for(choice.type_id) if choice.allows(each.id)],
        types=choice.catalogue.active_types,
        patient=patient,
        matches=[(match, url_with(request, patient=match.id, q=None)) for match in matches],
        q=query.get("q", ""),
        free=free,
        day=_first_day(request, choice) or clock.local_date(clock.now(), choice.catalogue.time_zone),
        here=url_with(request),
        later=url_with(request, **{"from": str(free.next_day)}),
        without_patient=url_with(request, patient=None),
        typed=typed or {},
        faults=faults or {},
        refusal=refusal and describe_refusal(request, refusal),
        registered=registered if patient is None else None,
    )


async def _matches(request: Request, clinic_id: int) -> list[ListedPatient]:
    terms = search_terms(query_params(request).get("q"), language_for(request))
    if not terms:
        return []
    patients = await lists.list_by_name(
        request.db,
        clinic_id,
        doctor_id=request.grant.doctor_id,
        terms=terms,
        initial=None,
        after=None,
        limit=MAX_MATCHES,
    )
    return list(patients[:MAX_MATCHES])


def _first_day(request: Request, choice: DeskChoice) -> date | None:
    return typed_date(request, query_params(request).get("from"), choice.catalogue.time_zone)


async def _free_times(request: Request, choice: DeskChoice) -> NextFree:
    return await find_next_free(
        request.db,
        request.cache,
        clinic_id=choice.catalogue.clinic_id,
        query=NextFreeFilter(
            from_=_first_day(request, choice),
            appointment_type_id=choice.type_id,
            minutes=None if choice.type_id else choice.minutes,
            doctor_id=choice.doctor_id,
            limit=MAX_TIMES,
        ),
        doctor_ids=visible_doctors(request, choice.doctor_id),
        now=clock.now(),
    )


PAGES: Final = [show, book]
