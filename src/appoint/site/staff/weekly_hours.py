"""A doctor's weekly hours: the regular week, and hours that apply only between certain dates."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...http import etags
from ...http.forms import parse_id, query_params
from ...http.languages import typed_date
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...scheduling.hours_changes import saving
from ...scheduling.weekly_hours import service as schedules
from ..staff_frame import staff_page
from .hours_parts import LINE_PROBLEMS, doctor_of_clinic, saved, weekday_names

LINE_PATH: Final = "/staff/{clinic_id:int}/hours/line/{doctor_id:uuid}"


@get(
    "/staff/{clinic_id:int}/hours/{doctor_id:uuid}",
    operation_id="showWeek",
    opt=route(permission="schedule", owned_by="doctor_id", page=True),
    include_in_schema=False,
)
async def week(request: Request, clinic_id: FromPath[int], doctor_id: FromPath[UUID]) -> Response[Any]:
    doctor = await doctor_of_clinic(request, clinic_id, doctor_id)
    schedule = await schedules.get_schedule(request.db, doctor_id)
    today = clock.local_date(clock.now(), schedule.time_zone)
    first = max(typed_date(request, query_params(request).get("from"), schedule.time_zone) or today, today)
    current = schedule.week_on(first)
    return await staff_page(
        request,
        "staff/hours/weekly_hours.html",
        clinic_id=clinic_id,
        place="hours",
        doctor=doctor,
        weekly=current.weekly,
        etag=etags.digest(current),
        first=first,
        today=today,
        lines=[line for line in schedule.lines if (line.valid_until or today) >= today],
        later=[line for line in schedule.lines if line.valid_from and line.valid_from > first],
        limited=[line for line in schedule.lines if line.is_valid_on(first) and line.valid_until],
        time_slots=await schedules.list_time_slots(request.db, clinic_id),
        weekdays=weekday_names(request, schedule.time_zone),
    )


@get(
    LINE_PATH,
    operation_id="showLine",
    opt=route(permission="schedule", owned_by="doctor_id", page=True),
    include_in_schema=False,
)
async def line(request: Request, clinic_id: FromPath[int], doctor_id: FromPath[UUID]) -> Response[Any]:
    """Show the form for adding dated hours, optionally as a copy of other hours (`copy`), or for editing existing ones
    (`id`)."""
    doctor = await doctor_of_clinic(request, clinic_id, doctor_id)
    query = query_params(request)
    edited = parse_id(query.get("id"))
    line_id = edited or parse_id(query.get("copy"))
    schedule = await schedules.get_schedule(request.db, doctor_id)
    current = next((line for line in schedule.lines if line.id == line_id), None)
    if edited and not current:
        raise errors.NotFound
    return await staff_page(
        request,
        "staff/hours/dated_hours.html",
        clinic_id=clinic_id,
        place="hours",
        doctor=doctor,
        current=current,
        edited=edited,
        time_slots=await schedules.list_time_slots(request.db, clinic_id),
        weekdays=weekday_names(request, schedule.time_zone),
    )


@post(
    LINE_PATH,
    operation_id="saveLine",
    status_code=HTTP_200_OK,
    opt=route(permission="schedule", owned_by="doctor_id", problems=LINE_PROBLEMS),
    include_in_schema=False,
)
async def save_line(
    request: Request, clinic_id: FromPath[int], doctor_id: FromPath[UUID], data: JSONBody[saving.LineForm]
) -> Response[Any]:
    """Save dated hours and publish them, or refuse both."""
    await doctor_of_clinic(request, clinic_id, doctor_id)
    await request.change(
        clinic_id,
        saving.save_line,
        request.user,
        doctor_id=doctor_id,
        form=data,
        if_match=request.if_match,
        now=clock.now(),
    )
    return saved()


@post(
    f"{LINE_PATH}/remove",
    operation_id="removeLine",
    status_code=HTTP_200_OK,
    opt=route(permission="schedule", owned_by="doctor_id", problems=("appointments-stranded",)),
    include_in_schema=False,
)
async def remove_line(
    request: Request, clinic_id: FromPath[int], doctor_id: FromPath[UUID], data: JSONBody[saving.RemovalForm]
) -> Response[Any]:
    """Remove dated hours and publish the rest, or do neither."""
    await doctor_of_clinic(request, clinic_id, doctor_id)
    await request.change(
        clinic_id,
        saving.remove_line,
        request.user,
        doctor_id=doctor_id,
        form=data,
        if_match=request.if_match,
        now=clock.now(),
    )
    return saved()


PAGES: Final = [week, line, save_line, remove_line]
