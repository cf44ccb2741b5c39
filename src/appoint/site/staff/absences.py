"""Doctors' absences and clinic closures, and the appointments that they affect."""

from datetime import date
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...clinics.appointment_types import service as types
from ...clinics.doctors import service as doctors
from ...http.forms import parse_date, parse_id, parse_instant, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.fields import FIRST_YEAR, LAST_YEAR, parse_wall_time
from ...kit.i18n import translate
from ...kit.permissions import widest_grant
from ...scheduling.absences import service
from ...scheduling.absences.model import MAX_ABSENCE_LENGTH, AffectedAppointment, AwayPeriod
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 100
MAX_TO_REBOOK: Final = 50
"""The maximum number of appointments shown with alternatives. More appear once these are rebooked."""
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
    return await staff_page(
        request,
        "staff/absences/absences.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[absence.id for absence in page_and_more[:PAGE_SIZE]],
        absences=page_and_more[:PAGE_SIZE],
        past=past,
        names=await doctors.names(request.db, clinic_id),
        waiting=_count(waiting),
        zone=clock.zone,
        may_all=_may_close_clinic(request, clinic_id),
        next=url_with(request, before=page_and_more[PAGE_SIZE - 1].start_time.isoformat())
        if past and len(page_and_more) > PAGE_SIZE
        else None,
    )


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
    """Show the appointments left outside working hours by an absence or a change of hours."""
    now = clock.now()
    waiting = await service.list_to_rebook(
        request.db, clinic_id, doctor_id=request.grant.doctor_id, now=now, limit=MAX_TO_REBOOK + 1
    )
    page = waiting[:MAX_TO_REBOOK]
    return await staff_page(
        request,
        "staff/absences/rebook.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[appointment.id for appointment in page],
        appointments=page,
        waiting=_count(waiting),
        ways=await service.find_rebooking_options(request.db, clinic_id, page, away=None, now=now),
        names=await doctors.names(request.db, clinic_id),
        types=await types.names(request.db, clinic_id),
        local_date=clock.local_date,
        zone=clock.zone,
        more=len(waiting) > MAX_TO_REBOOK,
    )


class AbsenceForm(NamedTuple):
    """An absence's dates and wall times, as typed."""

    whom: UUID | Literal["all"] | None
    first: date | None
    first_time: str
    last: date | None
    last_time: str

    @classmethod
    def read(cls, query: dict[str, str], own: UUID | None) -> "AbsenceForm":
        first = parse_date(query.get("from"))
        whom = WHOLE_CLINIC if query.get("doctor") == WHOLE_CLINIC else parse_id(query.get("doctor"))
        return cls(
            own or whom, first, query.get("at", ""), parse_date(query.get("until")) or first, query.get("till", "")
        )


@get(
    "/staff/{clinic_id:int}/absences/new",
    operation_id="showNewAbsence",
    opt=route(permission="schedule", page=True, narrows=True),
    include_in_schema=False,
)
async def new(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Ask for the time and doctor, then show the affected appointments and the form for adding the absence.

    Changes nothing.
    """
    now, own = clock.now(), request.grant.doctor_id
    form = AbsenceForm.read(query_params(request), own)
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
        ways=await service.find_rebooking_options(request.db, clinic_id, page, away=away, now=now),
        names=await doctors.names(request.db, clinic_id),
        types=await types.names(request.db, clinic_id),
        local_date=clock.local_date,
        zone=clock.zone,
    )


async def _away(request: Request, clinic_id: int, form: AbsenceForm) -> tuple[AwayPeriod | None, dict[str, str]]:
    """Return the absence, or the faults keyed by field."""
    if not form.first or not form.last:
        return None, {}
    language = language_for(request)
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
