"""The day board: a day, or a doctor's week, as a board, as a list and for printing; and the appointment search."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import MediaType, Response, get
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from ... import audit
from ...booking.day_board import service
from ...booking.day_board.model import Board, WaitingCount, appearances
from ...booking.day_board.week import week_of
from ...booking.request_context import visible_doctors
from ...calls.joining import service as joining
from ...clinics.catalogue import service as catalogue
from ...clinics.queues.line import Queues
from ...customers.model import search_terms
from ...http.access import identify
from ...http.forms import parse_date, query_params
from ...http.languages import language_for, language_tag_for, typed_date
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, regions
from ...kit.i18n import template_functions, translate
from ...kit.key_ring import readable
from ...kit.permissions import widest_grant
from ..rendering import NO_STORE, redirect, templates, url_with
from ..staff_frame import staff_page

LIST: Final = route(permission="list-appointments", page=True, narrows=True)
MAX_BOARD_DAYS: Final = 7
MAX_SEARCH_RESULTS: Final = 50
MAX_LISTENERS: Final = 20
"""The maximum number of event streams that a user can have open in each process."""
HEARTBEAT_SECONDS: Final = 15.0
"""How often to send a heartbeat, which stops proxies from dropping an idle stream."""
ACCESS_CHECK_SECONDS: Final = 30.0
"""How often a listener's access is checked again."""


@get("/staff/{clinic_id:int}/day", operation_id="showDay", opt=LIST, include_in_schema=False)
async def day(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await _board_page(request, clinic_id, "staff/day/board.html", place="day")


@get("/staff/{clinic_id:int}/week", operation_id="showWeek", opt=LIST, include_in_schema=False)
async def week(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show a week from Monday to Sunday: all doctors as a table, or one doctor as a timetable."""
    return await _board_page(request, clinic_id, "staff/day/board.html", place="week")


@get("/staff/{clinic_id:int}/day/print", operation_id="showDayToPrint", opt=LIST, include_in_schema=False)
async def to_print(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await _board_page(request, clinic_id, "staff/day/print.html", place="day")


async def _board_page(request: Request, clinic_id: int, template: str, *, place: str) -> Response[Any]:
    clinic_catalogue = await catalogue.get(request.db, request.cache, clinic_id)
    time_zone = clinic_catalogue.time_zone
    date_shown = typed_date(request, query_params(request).get("date"), time_zone) or clock.local_date(
        clock.now(), time_zone
    )
    if not date.min + timedelta(days=40) < date_shown < date.max - timedelta(days=40):
        raise errors.NotFound
    week = _week_around(date_shown, language_tag_for(request, clinic_catalogue.time_zone))
    first, last = (date_shown, date_shown) if place == "day" else (week[0], week[-1])
    active = sorted(
        (doctor for doctor in clinic_catalogue.doctors.values() if doctor.active and _is_visible(request, doctor.id)),
        key=lambda doctor: doctor.name,
    )
    doctor_id = _doctor(request) or (active[0].id if place == "week" and len(active) == 1 else None)
    board_data = await _board(request, clinic_id, first, last, doctor_id)
    next_open_day = (
        None
        if board_data.has_hours
        else await service.find_next_open_day(
            request.db, clinic_id=clinic_id, after=last, doctor_ids=visible_doctors(request, doctor_id)
        )
    )
    if next_open_day and not board_data.appointments and "date" not in query_params(request):
        return redirect(url_with(request, date=str(next_open_day)))
    return await staff_page(
        request,
        template,
        clinic_id=clinic_id,
        place=place,
        subjects=[appointment.id for appointment in board_data.appointments],
        board=board_data,
        listed=_table_html(request, clinic_id, board_data, is_week=place == "week" and not doctor_id),
        data=msgspec.to_builtins(board_data),
        chosen=date_shown,
        week=week,
        next_open_day=next_open_day,
        step=1 if place == "day" else 7,
        one_day=timedelta(days=1),
        view=place,
        doctors=active,
        columns=[
            {
                "id": str(each.id),
                "name": each.name,
                "specialty": each.specialty,
                "portrait": each.portrait_hash and f"/images/{clinic_id}/{each.portrait_hash}.webp",
            }
            for each in active
        ],
        absent=[doctor for doctor in active if place == "day" and doctor.id not in board_data.doctor_ids],
        slot_step=clinic_catalogue.slot_step_minutes,
        buffers={
            str(each.id): (each.buffer_before_minutes, each.buffer_after_minutes)
            for each in clinic_catalogue.types.values()
        },
        hues={id: appearance.hue for id, appearance in appearances(clinic_catalogue.types.values()).items()},
        offers={str(each.id): each.appointment_type_ids and list(each.appointment_type_ids) for each in active},
        doctor=str(doctor_id or ""),
        of=clinic_catalogue.doctors.get(doctor_id) if doctor_id else None,
        types=await service.list_types(request.db, clinic_id=clinic_id),
        queue=request.services.get(Queues).find(str(clinic_id)),
    )


@get(
    "/staff/{clinic_id:int}/board.json",
    operation_id="getBoard",
    opt=route(permission="list-appointments", page=True, narrows=True, unattended=True),
    include_in_schema=False,
)
async def board(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Return the board's data between two dates, and its list as HTML."""
    query = query_params(request)
    first, last = parse_date(query.get("from")), parse_date(query.get("to"))
    if (
        first is None
        or last is None
        or not timedelta() <= last - first < timedelta(days=MAX_BOARD_DAYS)
        or last == date.max
    ):
        raise errors.NotFound
    board_data = await _board(request, clinic_id, first, last, _doctor(request))
    await audit.record(
        request.services.db,
        request.user,
        clinic_id=clinic_id,
        subjects=[appointment.id for appointment in board_data.appointments],
    )
    answer = msgspec.json.encode(
        {
            **msgspec.to_builtins(board_data),
            "list": _table_html(request, clinic_id, board_data, is_week=last > first and not _doctor(request)),
        }
    )
    return Response(answer, media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})


def _week_around(day: date, tag: str) -> list[date]:
    """Return the dates of the week that contains the day, beginning with the region's first day of the week."""
    start = day - timedelta(days=regions.week(tag).index(day.weekday()))
    return [start + timedelta(days=number) for number in range(7)]


async def _board(request: Request, clinic_id: int, first: date, last: date, doctor_id: UUID | None) -> Board:
    doctor_ids = visible_doctors(request, doctor_id)
    loaded = await service.load_board(
        request.db, request.cache, clinic_id=clinic_id, first=first, last=last, doctor_ids=doctor_ids, now=clock.now()
    )
    language, now = language_for(request), clock.now()
    unconfirmed = translate(language, "Unconfirmed")
    videos = [each.id for each in loaded.appointments if each.video]
    calls = await joining.list_on_board(request.db, clinic_id=clinic_id, appointment_ids=videos) if videos else {}
    appointments = [
        each.with_call(call.waiting_since, now, has_failed=call.failed, has_ended=call.ended)
        if (call := calls.get(each.id))
        else each
        for each in loaded.appointments
    ]
    return msgspec.structs.replace(
        loaded,
        waiting=WaitingCount.of(appointments),
        appointments=[
            msgspec.structs.replace(
                each,
                patient=each.patient or unconfirmed,
                notes=readable(each.notes, language),
                staff_notes=readable(each.staff_notes, language),
                cancel_reason=readable(each.cancel_reason, language),
            )
            for each in appointments
        ],
    )


def _doctor(request: Request) -> UUID | None:
    try:
        return UUID(query_params(request).get("doctor", ""))
    except ValueError:
        return None


def _is_visible(request: Request, doctor_id: UUID) -> bool:
    return request.grant.doctor_id in (None, doctor_id)


def _table_html(request: Request, clinic_id: int, board_data: Board, *, is_week: bool) -> str:
    """Return the appointments as a list of days, or as a table of days and doctors for a week."""
    language = language_tag_for(request, board_data.time_zone)
    return templates.get_template(f"staff/day/{'week_table' if is_week else 'list'}.html").render(
        board=board_data,
        week=week_of(board_data) if is_week else None,
        clinic_id=clinic_id,
        language=language,
        now=clock.now(),
        may_see=widest_grant(request.user, "see-patients", clinic_id) is not None,
        may_run=widest_grant(request.user, "run-appointments", clinic_id) is not None,
        **template_functions(language),
    )


@get("/staff/{clinic_id:int}/day/search", operation_id="findOnDays", opt=LIST, include_in_schema=False)
async def search(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Find a patient's appointments: upcoming ones first, then past ones."""
    query = query_params(request)
    clinic_catalogue = await catalogue.get(request.db, request.cache, clinic_id)
    terms = search_terms(query.get("q"), language_tag_for(request, clinic_catalogue.time_zone))
    matches = (
        await service.search(
            request.db,
            clinic_id=clinic_id,
            terms=terms,
            doctor_ids=visible_doctors(request, None),
            time_zone=clinic_catalogue.time_zone,
            now=clock.now(),
            limit=MAX_SEARCH_RESULTS,
        )
        if terms
        else []
    )
    return await staff_page(
        request,
        "staff/day/search.html",
        clinic_id=clinic_id,
        place="day",
        subjects=[appointment.id for appointment in matches],
        matches=matches,
        q=query.get("q", ""),
        doctors=clinic_catalogue.doctors,
        has_more=len(matches) == MAX_SEARCH_RESULTS,
    )


@get(
    "/staff/{clinic_id:int}/changes",
    operation_id="hearOfChanges",
    opt=route(permission="list-appointments", page=True, narrows=True, stream=True, unattended=True),
    include_in_schema=False,
)
async def changes(request: Request, clinic_id: FromPath[int]) -> ServerSentEvent:
    """Stream the types of changes at the clinic, but not their content. Listeners then reload whatever they are allowed
    to see."""
    if request.services.get(service.Changes).count(request.user.key) >= MAX_LISTENERS:
        raise errors.TooMany(retry_after_seconds=60)
    return ServerSentEvent(_stream_changes(request, clinic_id), headers={"Cache-Control": NO_STORE})


async def _stream_changes(request: Request, clinic_id: int) -> AsyncGenerator[dict[str, str]]:
    state: Any = request.scope["state"]
    changes = request.services.get(service.Changes)
    time = asyncio.get_running_loop().time
    last_check = time()
    with changes.listening(clinic_id, request.user.key) as listener:
        state["end"] = listener.end
        yield {"event": "beat", "data": "1"}  # tells the browser that the stream is working
        while not (listener.ended or state.get("ending")):
            types = await listener.next(HEARTBEAT_SECONDS)
            if time() - last_check >= ACCESS_CHECK_SECONDS:
                if not await _may_listen(request, clinic_id):
                    return
                last_check = time()
            if not listener.ended:
                yield (
                    {"event": "beat", "data": "1"}
                    if types is None
                    else {"event": "changed", "data": msgspec.json.encode(types).decode()}
                )


async def _may_listen(request: Request, clinic_id: int) -> bool:
    try:
        return widest_grant(await identify(request), "list-appointments", clinic_id) is not None
    except errors.Unauthorized:
        return False
    except errors.Unavailable:  # keep the stream open until access can be checked
        return True


PAGES: Final = [day, week, to_print, board, search, changes]
