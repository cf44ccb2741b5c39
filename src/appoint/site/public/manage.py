"""The pages behind a manage-link: the appointment, and what its customer does with it. Looking changes nothing, for
programs that read mail look at links too."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from babel.units import format_unit
from litestar import Response, get, post
from litestar.params import FromPath

from ... import audit
from ...booking import links, repository, service
from ...booking.availability import service as availability
from ...booking.availability.model import DayFilter
from ...booking.model import LIVE, TRANSITIONS, Appointment, RescheduleRequest, is_late
from ...clinics.catalogue import service as catalogue
from ...clinics.catalogue.model import Catalogue
from ...database.pool import Database, Row
from ...http.cookies import booked_of
from ...http.etags import etag
from ...http.forms import parse_form, parse_id, parse_instant, query_params
from ...http.languages import language_for
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, ids
from ...kit.actors import Actor
from ...kit.i18n import one_line, translate
from ...kit.icalendar_files import Person, google_calendar_link, invitation, outlook_link
from ..rendering import NO_STORE, redirect, render
from .find import month_of

PUBLIC: Final = route(permission="public", page=True)
PAGE: Final = "/appointments/{token:str}"
LONGEST_REASON: Final = 200
ANYONE: Final = "any"
NOT_TO_BE_MOVED: Final = frozenset({"too-late", "wrong-status", "hold-expired"})
"""Why an appointment cannot be moved to any time."""
IN_THE_WAY: Final = (errors.Conflict, errors.VersionMismatch, errors.VersionRequired)


class Held(NamedTuple):
    """The appointment of a link, as it stands at `now`."""

    row: Row
    """Of `repository.for_holder`."""
    appointment: Appointment
    book: Catalogue
    now: datetime

    @property
    def is_late(self) -> bool:
        return is_late(self.appointment, self.book, self.now)

    @property
    def can_cancel(self) -> bool:
        return self.appointment.start_time > self.now and self.appointment.status in TRANSITIONS["cancel"].sources

    @property
    def can_move(self) -> bool:
        return self.can_cancel and self.appointment.status in service.MOVABLE

    @property
    def last_change(self) -> datetime | None:
        """Until when it can be cancelled or moved; None where the clinic asks for no notice."""
        return self.book.last_change(self.appointment.start_time) if self.book.cancel_notice_minutes else None


@get(PAGE, operation_id="showAppointmentByLink", opt=PUBLIC, include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[Any]:
    held = await _held(request, token)
    return _page(request, held, token) if held else _none(request)


@get(PAGE + "/calendar.ics", operation_id="getAppointmentCalendarByLink", opt=PUBLIC, include_in_schema=False)
async def calendar(request: Request, token: FromPath[str]) -> Response[Any]:
    """For whatever calendar somebody has. It knows the appointment by the same id as the invitations of mails."""
    held = await _held(request, token)
    if held is None or held.appointment.status not in LIVE:
        return _none(request)
    row = held.row
    file = invitation(
        "PUBLISH",
        **_entry(row, language_for(request)),
        id=row.id,
        sequence=row.sequence,
        stamp=row.updated_at,
        description=_address(request, token),
        organizer=Person(row.clinic, row.email or request.services.settings.mail_from),
        attendee=None,
    )
    headers = {
        "Cache-Control": NO_STORE,
        "X-Robots-Tag": "noindex",
        "Content-Disposition": 'attachment; filename="appointment.ics"',
    }
    return Response(file, media_type="text/calendar", headers=headers)


@post(PAGE + "/confirm", operation_id="confirmAppointmentByLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def confirm(request: Request, token: FromPath[str]) -> Response[Any]:
    """What was held is booked."""
    actor = _holder(request, token)
    if actor is None:
        return _none(request)
    try:
        await _database(request, actor).atomic(
            service.step, actor, appointment_id=_id(actor), name="confirm", now=clock.now()
        )
    except IN_THE_WAY as refusal:
        return await _refused(request, token, refusal)
    except errors.NotFound:
        return _none(request)
    return redirect(f"{_path(token)}?new=1")


@get(PAGE + "/cancel", operation_id="showCancelByLink", opt=PUBLIC, include_in_schema=False)
async def ask_to_cancel(request: Request, token: FromPath[str]) -> Response[Any]:
    """Asks once more."""
    held = await _held(request, token)
    if held is None:
        return _none(request)
    if not held.can_cancel or held.is_late:
        return redirect(_path(token))
    return render(request, "public/cancel.html", cache_control=NO_STORE, appointment=held.row, address=_path(token))


@post(PAGE + "/cancel", operation_id="cancelAppointmentByLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def cancel(request: Request, token: FromPath[str]) -> Response[Any]:
    actor = _holder(request, token)
    if actor is None:
        return _none(request)
    fields = await parse_form(request)
    reason = one_line(fields.get("reason"))[:LONGEST_REASON] or None
    try:
        await _database(request, actor).atomic(
            service.cancel, actor, appointment_id=_id(actor), reason=reason, if_match=_version(fields), now=clock.now()
        )
    except IN_THE_WAY as refusal:
        return await _refused(request, token, refusal)
    except errors.NotFound:
        return _none(request)
    return redirect(_path(token))


@get(PAGE + "/move", operation_id="showTimesByLink", opt=PUBLIC, include_in_schema=False)
async def show_times(request: Request, token: FromPath[str]) -> Response[Any]:
    """A month and the times of a day: with the same doctor, with another (`doctor`), or with anyone of the clinic
    (`doctor=any`)."""
    held = await _held(request, token)
    if held is None:
        return _none(request)
    if not held.can_move or held.is_late:
        return redirect(_path(token))
    return await _times_page(request, held, token, query_params(request))


async def _times_page(
    request: Request,
    held: Held,
    token: str,
    said: Mapping[str, str],
    *,
    refusal: errors.Conflict | None = None,
    start: datetime | None = None,
) -> Response[Any]:
    appointment, book = held.appointment, held.book
    doctors = sorted(book.offering(appointment.appointment_type_id), key=lambda doctor: doctor.name)
    doctor_id, what = _doctor(held, said), _what(held)
    month = await month_of(request, book, said, **what, doctor_id=doctor_id, now=held.now)
    alternatives = refusal.facts.get("alternatives", []) if refusal else []
    if refusal and start and not any(what.values()):  # those are of the length that it has
        slots = await availability.nearest_free(
            request.services.db,
            request.cache,
            clinic_id=book.clinic_id,
            asked=DayFilter(doctor_id=doctor_id),
            start=start,
            now=held.now,
        )
        alternatives = [slot for slot in slots if refusal.type != "customer-busy" or slot.start_time != start]
    return render(
        request,
        "public/move.html",
        status_code=PROBLEMS[refusal.type].status if refusal else 200,
        cache_control=NO_STORE,
        appointment=held.row,
        address=_path(token),
        doctors=doctors,
        doctor_id=doctor_id,
        month=month,
        refusal=refusal and _said(request, refusal),
        alternatives=alternatives,
        whole=not any(what.values()),
    )


def _doctor(held: Held, said: Mapping[str, str]) -> UUID | None:
    """With whom somebody wants to move; None: anyone."""
    wanted = said.get("doctor", "")
    doctor_id = parse_id(wanted)
    return None if wanted == ANYONE else doctor_id if doctor_id in held.book.doctors else held.appointment.doctor_id


def _what(held: Held) -> dict[str, Any]:
    """Times for what is booked; for the type as it was, where that has another length now. A clinic without types has
    whole slots."""
    appointment, minutes = (
        held.appointment,
        int((held.appointment.end_time - held.appointment.start_time).total_seconds() // 60),
    )
    type = held.book.types.get(appointment.appointment_type_id) if appointment.appointment_type_id else None
    as_it_was = type is not None and type.active and type.minutes == minutes
    if type and as_it_was:
        return {"appointment_type_id": type.id, "minutes": None}
    return {"appointment_type_id": None, "minutes": minutes if held.book.bookable_types else None}


@post(PAGE + "/move", operation_id="moveAppointmentByLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def move(request: Request, token: FromPath[str]) -> Response[Any]:
    """Moves to the `start` that was chosen, until an end that may stand after it; where it was taken meanwhile, offers
    the nearest ones."""
    actor, said = _holder(request, token), await parse_form(request)
    held = await _held(request, token) if actor else None
    if actor is None or held is None:
        return _none(request)
    first, _, last = said.get("start", "").partition(" ")
    start, end = parse_instant(first), parse_instant(last)
    if start is None:
        return await _times_page(request, held, token, said)
    doctor_id = _doctor(held, said) or await _whoever_is_free(request, held, start, end)
    to = RescheduleRequest(start_time=start, end_time=end, doctor_id=doctor_id)
    try:
        await service.reschedule(
            _database(request, actor), actor, appointment_id=_id(actor), to=to, if_match=_version(said), now=held.now
        )
    except errors.Conflict as refusal:
        held = await _held(request, token)
        if held is None or refusal.type in NOT_TO_BE_MOVED:
            return await _refused(request, token, refusal)
        return await _times_page(request, held, token, said, refusal=refusal, start=start)
    except (errors.VersionMismatch, errors.VersionRequired) as refusal:
        return await _refused(request, token, refusal)
    return redirect(f"{_path(token)}?moved=1")


async def _whoever_is_free(request: Request, held: Held, start: datetime, end: datetime | None) -> UUID:
    """A doctor who is free then: the same one if they are, or if nobody is."""
    day = clock.local_date(start, held.book.time_zone)
    what = DayFilter(**_what(held))
    found = await availability.of_clinic(
        request.services.db,
        request.cache,
        clinic_id=held.book.clinic_id,
        asked=what,
        first=day,
        last=day,
        now=held.now,
    )
    free = [
        offer.doctor_id for offer in found.days[0].slots if offer.start_time == start and end in (None, offer.end_time)
    ]
    same = held.appointment.doctor_id
    return same if same in free or not free else free[0]


def _version(fields: dict[str, str]) -> str | None:
    version = fields.get("version", "")
    return etag(int(version)) if re.fullmatch("[1-9][0-9]{0,8}", version) else None


async def _held(request: Request, token: str) -> Held | None:
    """The appointment as it stands now, which is recorded as seen; None for a link to nothing."""
    actor = _holder(request, token)
    if actor is None:
        return None
    db, clinic_id = _database(request, actor), ids.clinic_of(_id(actor))
    row = await repository.for_holder(db, clinic_id=clinic_id, appointment_id=_id(actor))
    if row is None:
        return None
    # by the appointment's id, never by the page's address: that lets in whoever reads it
    await audit.record(db, actor, clinic_id=clinic_id, subjects=[_id(actor)])
    return Held(row, repository.appointment(row), await catalogue.get(db, request.cache, clinic_id), clock.now())


async def _refused(request: Request, token: str, refusal: errors.AppointError) -> Response[Any]:
    """The appointment as it stands now, and what stood in the way."""
    held = await _held(request, token)
    return _page(request, held, token, refusal=refusal) if held else _none(request)


def _none(request: Request) -> Response[Any]:
    return render(request, "public/no_appointment.html", status_code=404, cache_control=NO_STORE)


def _page(request: Request, held: Held, token: str, *, refusal: errors.AppointError | None = None) -> Response[Any]:
    language, said, row = language_for(request), query_params(request), held.row
    entry = _entry(row, language)
    return render(
        request,
        "public/appointment.html",
        status_code=PROBLEMS[refusal.type].status if refusal else 200,
        cache_control=NO_STORE,
        appointment=row,
        held=held,
        address=_path(token),
        link=_address(request, token),
        google=google_calendar_link(**entry),
        outlook=outlook_link(**entry),
        notice_time=_length(held.book.cancel_notice_minutes, language),
        live=row.status in LIVE,
        is_new="new" in said,
        reached_at=row.reached_at if booked_of(request) == token else None,  # whoever else has the link is not told
        is_moved="moved" in said,
        refusal=refusal and refusal.type != "too-late" and _said(request, refusal),
        refused_late=refusal and refusal.type == "too-late",
    )


def _said(request: Request, refusal: errors.AppointError) -> str:
    if isinstance(refusal, errors.VersionMismatch):
        return translate(language_for(request), "This appointment has changed. These are the current details.")
    return translate(language_for(request), PROBLEMS[refusal.type].happened, **refusal.facts)


def _length(minutes: int, language: str) -> str:
    """“24 hours”, in the largest unit of which it is whole; days are told only when there are several."""
    for unit, size, least in (("day", 1440, 3), ("hour", 60, 1)):
        if minutes % size == 0 and minutes >= size * least:
            return format_unit(minutes // size, f"duration-{unit}", locale=language)
    return format_unit(minutes, "duration-minute", locale=language)


def _entry(row: Row, language: str) -> dict[str, Any]:
    """What any calendar is told. Who it is for is not in it."""
    where = translate(language, "online, not at the clinic") if row.mode == "online" else row.address or row.clinic
    return {
        "start": row.start_time,
        "end": row.end_time,
        "summary": f"{row.type or row.clinic}, {row.doctor}",
        "location": ", ".join(where.splitlines()),
    }


def _path(token: str) -> str:
    return f"/appointments/{token}"


def _address(request: Request, token: str) -> str:
    """The link as one keeps it."""
    return request.services.settings.links_url + _path(token)


def _holder(request: Request, token: str) -> Actor | None:
    appointment_id = links.appointment_of(request.services.secret_key, token)
    if appointment_id is None:
        return None
    return msgspec.structs.replace(
        links.holder(appointment_id),
        address=request.client.host if request.client else None,
        doing=str(request.route_handler.operation_id),
    )


def _id(actor: Actor) -> UUID:
    assert actor.appointment_id, "a holder's"
    return actor.appointment_id


def _database(request: Request, actor: Actor) -> Database:
    return request.db.within(ids.clinic_of(_id(actor)))


PAGES: Final = [show, calendar, confirm, ask_to_cancel, cancel, show_times, move]
