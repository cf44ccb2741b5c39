"""Who is away when, for staff to see and to say, and what becomes of the appointments in the way."""

from datetime import date
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...clinics.appointment_types import repository as types
from ...clinics.doctors import repository as doctors
from ...http.forms import parse_date, parse_id, parse_instant, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.fields import FIRST_YEAR, LAST_YEAR, parse_wall_time
from ...kit.i18n import translate
from ...kit.permissions import widest_grant
from ...scheduling.absences import repository, service
from ...scheduling.absences.model import MAX_ABSENCE, Away
from ..rendering import url_with
from ..staff_frame import staff_page

MOST: Final = 100
"""On a page."""
MOST_TO_MOVE: Final = 50
"""With times to move to; the next are there as soon as these are done."""
MOST_DOCTORS: Final = 1000
MIDNIGHT: Final = 1440
ALL: Final = "all"
"""Instead of a doctor: the whole clinic."""


@get(
    "/staff/{clinic_id:int}/absences",
    operation_id="showAbsences",
    opt=route(permission="see-absences", page=True),
    include_in_schema=False,
)
async def absences(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    said, now = query_params(request), clock.now()
    past = said.get("show") == "past"
    found = await repository.find_past_or_current(
        request.db,
        clinic_id,
        past=past,
        before=parse_instant(said.get("before")) if past else None,
        now=now,
        limit=MOST + 1,
    )
    grant = widest_grant(request.user, "list-appointments", clinic_id)
    waiting = (
        await repository.appointments_to_rebook(
            request.db, clinic_id, doctor_id=grant.doctor_id, now=now, limit=MOST_TO_MOVE + 1
        )
        if grant
        else []
    )
    return await staff_page(
        request,
        "staff/absences/absences.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[absence.id for absence in found[:MOST]],
        absences=found[:MOST],
        past=past,
        names=await _names(request, clinic_id),
        waiting=_count(waiting),
        local=clock.zone,
        may_all=_may_all(request, clinic_id),
        next=url_with(request, before=found[MOST - 1].start_time.isoformat()) if past and len(found) > MOST else None,
    )


def _may_all(request: Request, clinic_id: int) -> bool:
    """Whether they may say that the whole clinic is closed."""
    grant = widest_grant(request.user, "schedule", clinic_id)
    return grant is not None and grant.doctor_id is None


async def _names(request: Request, clinic_id: int) -> dict[UUID, str]:
    """Of the doctors who work there."""
    found = await doctors.list_doctors(
        request.db, clinic_id, specialty=None, active=True, after=None, limit=MOST_DOCTORS
    )
    return {doctor.id: doctor.name for doctor in sorted(found, key=lambda doctor: doctor.name.casefold())}


def _count(waiting: list[Any]) -> str:
    return f"{MOST_TO_MOVE}+" if len(waiting) > MOST_TO_MOVE else str(len(waiting) or "")


@get(
    "/staff/{clinic_id:int}/absences/rebook",
    operation_id="showAppointmentsToRebook",
    opt=route(permission="list-appointments", page=True, narrows=True),
    include_in_schema=False,
)
async def rebook(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """The work list: appointments that an absence or a change of hours has left where nobody is."""
    now = clock.now()
    waiting = await repository.appointments_to_rebook(
        request.db, clinic_id, doctor_id=request.grant.doctor_id, now=now, limit=MOST_TO_MOVE + 1
    )
    listed = waiting[:MOST_TO_MOVE]
    return await staff_page(
        request,
        "staff/absences/rebook.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[appointment.id for appointment in listed],
        appointments=listed,
        waiting=_count(waiting),
        ways=await service.rebooking_options(request.db, clinic_id, listed, away=None, now=now),
        names=await _names(request, clinic_id),
        types=await _types(request, clinic_id),
        local_date=clock.local_date,
        local=clock.zone,
        more=len(waiting) > MOST_TO_MOVE,
    )


async def _types(request: Request, clinic_id: int) -> dict[UUID, str]:
    found = [
        await types.list_types(request.db, clinic_id, active=active, after=None, limit=MOST_DOCTORS)
        for active in (True, False)
    ]
    return {each.id: each.name for some in found for each in some}


class Wish(NamedTuple):
    """What was typed of an absence: dates, and times on them, both of the clinic's wall."""

    whom: UUID | Literal["all"] | None
    first: date | None
    first_time: str
    last: date | None
    last_time: str

    @classmethod
    def read(cls, said: dict[str, str], own: UUID | None) -> "Wish":
        first = parse_date(said.get("from"))
        whom = ALL if said.get("doctor") == ALL else parse_id(said.get("doctor"))
        return cls(own or whom, first, said.get("at", ""), parse_date(said.get("until")) or first, said.get("till", ""))


@get(
    "/staff/{clinic_id:int}/absences/new",
    operation_id="showNewAbsence",
    opt=route(permission="schedule", page=True, narrows=True),
    include_in_schema=False,
)
async def new(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """First when and whose, then what is in the way, then the absence itself. It changes nothing."""
    now, own = clock.now(), request.grant.doctor_id
    wish = Wish.read(query_params(request), own)
    away, faults = await _away(request, clinic_id, wish)
    found: list[Any] = []
    if away and max(away.start, now) < away.end:
        found = await repository.appointments_within(
            request.db,
            clinic_id,
            doctor_id=away.doctor_id,
            start=max(away.start, now),
            end=away.end,
            limit=MOST_TO_MOVE + 1,
        )
    listed = found[:MOST_TO_MOVE]
    return await staff_page(
        request,
        "staff/absences/new_absence.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[appointment.id for appointment in listed],
        wish=wish,
        own=own,
        away=away,
        faults=faults,
        appointments=listed,
        more=len(found) > MOST_TO_MOVE,
        ways=await service.rebooking_options(request.db, clinic_id, listed, away=away, now=now),
        names=await _names(request, clinic_id),
        types=await _types(request, clinic_id),
        local_date=clock.local_date,
        local=clock.zone,
    )


async def _away(request: Request, clinic_id: int, wish: Wish) -> tuple[Away | None, dict[str, str]]:
    """The range that is meant, or what is wrong with what was typed, by field."""
    if not wish.first or not wish.last:
        return None, {}
    language = language_for(request)
    if not wish.whom:
        return None, {"doctor": translate(language, "Choose one")}
    if not FIRST_YEAR <= wish.first.year <= wish.last.year <= LAST_YEAR:
        return None, {"until": translate(language, "must not be before the first day")}
    try:
        first_minute, last_minute = (
            parse_wall_time(wish.first_time or "00:00"),
            parse_wall_time(wish.last_time or "24:00"),
        )
    except ValueError:
        return None, {"until": translate(language, "is not a valid time")}
    found = await repository.local_period(
        request.db,
        clinic_id,
        first=wish.first,
        first_minute=min(first_minute, MIDNIGHT),
        last=wish.last,
        last_minute=min(last_minute or MIDNIGHT, MIDNIGHT),
    )
    if found is None:
        return None, {}
    start, end = found.start, found.end
    if end <= start:
        return None, {"until": translate(language, "must be after the start")}
    if end - start > MAX_ABSENCE:
        return None, {"until": translate(language, "must be no more than {days} days later", days=MAX_ABSENCE.days)}
    return Away(None if wish.whom == ALL else wish.whom, start, end), {}


PAGES: Final = [absences, rebook, new]
