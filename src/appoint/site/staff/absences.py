"""Doctors' absences and clinic closures, and the appointments that they affect."""

from collections.abc import Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...clinics.appointment_types import service as types
from ...clinics.catalogue import service as catalogues
from ...clinics.doctors import service as doctors
from ...http.forms import parse_id, parse_instant, query_params
from ...http.languages import language_for, typed_date
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, fields
from ...kit.fields import FIRST_YEAR, LAST_YEAR, parse_wall_time
from ...kit.i18n import translate
from ...kit.permissions import widest_grant
from ...scheduling.absences import rebooking, service
from ...scheduling.absences.model import (
    MAX_ABSENCE_LENGTH,
    AffectedAppointment,
    AwayPeriod,
    Colleague,
    RebookingOptions,
)
from ...scheduling.absences.rebooking import MAX_TO_REBOOK
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 100
MIDNIGHT: Final = 1440
WHOLE_CLINIC: Final = "all"
"""Used in place of a doctor's id."""


@get(
    "/staff/{clinic_id:int}/absences",
    operation_id="showAbsences",
    opt=route(permission="see-absences", page=True),
    include_in_schema=False,
)
async def absences(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    query, now = query_params(request), clock.now()
    past = query.get("show") == "past"
    page_and_more = await service.list_absences(
        request.db,
        clinic_id,
        past=past,
        before=parse_instant(query.get("before")) if past else None,
        now=now,
        limit=PAGE_SIZE + 1,
    )
    grant = widest_grant(request.user, "list-appointments", clinic_id)
    waiting = (
        await service.list_to_rebook(request.db, clinic_id, doctor_id=grant.doctor_id, now=now, limit=MAX_TO_REBOOK + 1)
        if grant
        else []
    )
    names = await doctors.names(request.db, clinic_id)
    return await staff_page(
        request,
        "staff/absences/absences.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[absence.id for absence in page_and_more[:PAGE_SIZE]],
        absences=page_and_more[:PAGE_SIZE],
        past=past,
        names=names,
        waiting=_count(waiting),
        ill=await _ill_today(request, clinic_id, now),
        zone=clock.zone,
        may_all=_may_close_clinic(request, clinic_id),
        next=url_with(request, before=page_and_more[PAGE_SIZE - 1].start_time.isoformat())
        if past and len(page_and_more) > PAGE_SIZE
        else None,
    )


class IllToday(NamedTuple):
    """The rest of today, and the doctors whose absence the user may add."""

    start: datetime
    end: datetime
    doctors: dict[UUID, str]


async def _ill_today(request: Request, clinic_id: int, now: datetime) -> IllToday | None:
    """Return the choices for “Doctor is ill today”, or None if the user may not add an absence."""
    grant = widest_grant(request.user, "schedule", clinic_id)
    catalogue = await catalogues.get(request.db, request.cache, clinic_id)
    today = clock.local_date(now, catalogue.time_zone)
    rest = await service.find_period(
        request.db, clinic_id, first=today, first_minute=0, last=today, last_minute=MIDNIGHT
    )
    if grant is None or rest is None:
        return None
    active = {
        doctor.id: doctor.name
        for doctor in sorted(catalogue.doctors.values(), key=attrgetter("name"))
        if doctor.active and grant.doctor_id in (None, doctor.id)
    }
    return IllToday(fields.next_minute(now), rest.end, active) if active else None


def _may_close_clinic(request: Request, clinic_id: int) -> bool:
    """Return whether the user may close the whole clinic."""
    grant = widest_grant(request.user, "schedule", clinic_id)
    return grant is not None and grant.doctor_id is None


def _count(waiting: list[AffectedAppointment]) -> str:
    return f"{MAX_TO_REBOOK}+" if len(waiting) > MAX_TO_REBOOK else str(len(waiting) or "")


@get(
    "/staff/{clinic_id:int}/absences/rebook",
    operation_id="showAppointmentsToRebook",
    opt=route(permission="list-appointments", page=True, narrows=True),
    include_in_schema=False,
)
async def rebook(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the appointments (all of them, or one doctor's) that an absence or a change of hours has left outside
    working hours, and ways to handle all of them at once."""
    now, names = clock.now(), await doctors.names(request.db, clinic_id)
    doctor_id = request.grant.doctor_id or parse_id(query_params(request).get("doctor"))
    waiting = await service.list_to_rebook(request.db, clinic_id, doctor_id=doctor_id, now=now, limit=MAX_TO_REBOOK + 1)
    page = waiting[:MAX_TO_REBOOK]
    ways = await rebooking.find_rebooking_options(request.db, clinic_id, page, away=None, now=now)
    to_do = [appointment for appointment in page if appointment.rebook_by is None]
    return await staff_page(
        request,
        "staff/absences/rebook.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[appointment.id for appointment in page],
        away=None,
        to_do=to_do,
        to_call=[appointment for appointment in page if appointment.rebook_by == "phone"],
        asked=[appointment for appointment in page if appointment.rebook_by == "link"],
        bulk=_bulk_changes(to_do, ways, await rebooking.find_colleagues(request.db, clinic_id, to_do, now=now)),
        of=names.get(doctor_id) if doctor_id else None,
        waiting=_count(waiting),
        ways=ways,
        names=names,
        types=await types.names(request.db, clinic_id),
        local_date=clock.local_date,
        zone=clock.zone,
        more=len(waiting) > MAX_TO_REBOOK,
    )


class BulkForms(NamedTuple):
    """What the page's buttons send to handle all appointments at once."""

    all: list[dict[str, Any]]
    """The appointments."""
    moves: list[dict[str, Any]]
    """A move for each appointment that has a suggested time."""
    takeovers: list[tuple[UUID, list[dict[str, Any]]]]
    """The colleagues who could take over, with the moves to them."""


def _bulk_changes(
    appointments: list[AffectedAppointment], ways: dict[UUID, RebookingOptions], colleagues: list[Colleague]
) -> BulkForms:
    def selected(appointment: AffectedAppointment) -> dict[str, Any]:
        return {"id": str(appointment.id), "version": appointment.version}

    return BulkForms(
        [selected(each) for each in appointments],
        [
            selected(each) | {"startTime": offer.start_time.isoformat(), "doctorId": str(offer.doctor_id)}
            for each in appointments
            if (offer := ways[each.id].suggestion)
        ],
        [
            (
                colleague.doctor_id,
                [selected(each) | {"doctorId": str(colleague.doctor_id)} for each in colleague.appointments],
            )
            for colleague in colleagues
        ],
    )


class AbsenceForm(NamedTuple):
    """An absence's dates and wall times, as typed."""

    whom: UUID | Literal["all"] | None
    first: date | None
    first_time: str
    last: date | None
    last_time: str
    unreadable: Sequence[str] = ()
    """The fields with something that is not a date."""

    @classmethod
    def read(cls, request: Request, own: UUID | None, time_zone: str) -> "AbsenceForm":
        query = query_params(request)
        days = {name: typed_date(request, query.get(name), time_zone) for name in ("from", "until")}
        whom = WHOLE_CLINIC if query.get("doctor") == WHOLE_CLINIC else parse_id(query.get("doctor"))
        return cls(
            own or whom,
            days["from"],
            query.get("at", ""),
            days["until"] or (None if query.get("until") else days["from"]),
            query.get("till", ""),
            [name for name, day in days.items() if query.get(name) and day is None],
        )


@get(
    "/staff/{clinic_id:int}/absences/new",
    operation_id="showNewAbsence",
    opt=route(permission="schedule", page=True, narrows=True),
    include_in_schema=False,
)
async def new(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Ask for the time and the doctor, then show the affected appointments and the form for adding the absence.

    Doesn't change anything.
    """
    now, own = clock.now(), request.grant.doctor_id
    time_zone = (await catalogues.get(request.db, request.cache, clinic_id)).time_zone
    form = AbsenceForm.read(request, own, time_zone)
    away, faults = await _away(request, clinic_id, form)
    affected: list[AffectedAppointment] = []
    if away:
        affected = await service.list_affected(request.db, clinic_id, away, now=now, limit=MAX_TO_REBOOK + 1)
    page = affected[:MAX_TO_REBOOK]
    return await staff_page(
        request,
        "staff/absences/new_absence.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[appointment.id for appointment in page],
        form=form,
        own=own,
        away=away,
        faults=faults,
        appointments=page,
        more=len(affected) > MAX_TO_REBOOK,
        ways=await rebooking.find_rebooking_options(request.db, clinic_id, page, away=away, now=now),
        names=await doctors.names(request.db, clinic_id),
        types=await types.names(request.db, clinic_id),
        local_date=clock.local_date,
        zone=clock.zone,
    )


async def _away(request: Request, clinic_id: int, form: AbsenceForm) -> tuple[AwayPeriod | None, dict[str, str]]:
    """Return the absence, or the faults keyed by field."""
    language = language_for(request)
    if form.unreadable:
        return None, dict.fromkeys(form.unreadable, translate(language, "must be a date, such as 2027-03-01"))
    if not form.first or not form.last:
        return None, {}
    if not form.whom:
        return None, {"doctor": translate(language, "Choose one")}
    if not FIRST_YEAR <= form.first.year <= form.last.year <= LAST_YEAR:
        return None, {"until": translate(language, "must not be before the first day")}
    try:
        first_minute = parse_wall_time(form.first_time or "00:00")
        last_minute = parse_wall_time(form.last_time or "24:00")
    except ValueError:
        return None, {"until": translate(language, "is not a valid time")}
    period = await service.find_period(
        request.db,
        clinic_id,
        first=form.first,
        first_minute=min(first_minute, MIDNIGHT),
        last=form.last,
        last_minute=min(last_minute or MIDNIGHT, MIDNIGHT),
    )
    if period is None:
        return None, {}
    if period.end <= period.start:
        return None, {"until": translate(language, "must be after the start")}
    if period.end - period.start > MAX_ABSENCE_LENGTH:
        return None, {
            "until": translate(
                language, "must be no more than {days} days after the start", days=MAX_ABSENCE_LENGTH.days
            )
        }
    return AwayPeriod(None if form.whom == WHOLE_CLINIC else form.whom, period.start, period.end), {}


PAGES: Final = [absences, rebook, new]
