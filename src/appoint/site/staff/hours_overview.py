"""Working hours at a glance: all doctors' weeks, and the clinic's time slots."""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...clinics.clinics import service as clinics
from ...clinics.doctors import service as doctors
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ...scheduling.hours_changes import saving
from ...scheduling.hours_changes import service as hours_changes
from ...scheduling.hours_changes.model import ScheduleChangeContent
from ...scheduling.weekly_hours import service as schedules
from ...scheduling.weekly_hours.model import Schedule
from ..staff_frame import staff_page
from .hours_parts import LINE_PROBLEMS, saved, weekday_names

NIGHTLY_DAYS: Final = timedelta(days=7)


@get(
    "/staff/{clinic_id:int}/hours",
    operation_id="showHours",
    opt=route(permission="schedule", page=True, narrows=True),
    include_in_schema=False,
)
async def hours(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    own = request.grant.doctor_id
    clinic = await clinics.get(request.db, clinic_id)
    today = clock.local_date(clock.now(), clinic.time_zone)
    lines = await schedules.list_lines(request.db, clinic_id, doctor_id=own, since=today)
    weeks = [
        (
            doctor,
            Schedule(doctor.id, clinic_id, clinic.time_zone, lines.get(doctor.id, [])).week_on(today).weekly,
            doctor.id in lines,
        )
        for doctor in await doctors.list_by_name(request.db, clinic_id)
        if own in (None, doctor.id)
    ]
    return await staff_page(
        request,
        "staff/hours/hours_overview.html",
        clinic_id=clinic_id,
        place="hours",
        weeks=weeks,
        own=own,
        time_slots=await schedules.list_time_slots(request.db, clinic_id),
        weekdays=weekday_names(request, clinic.time_zone, "abbreviated"),
        horizon_days=clinic.policy.horizon_days,
        differs=await _has_unpublished_hours(request, clinic_id, own, today, clinic.policy.horizon_days),
    )


async def _has_unpublished_hours(
    request: Request, clinic_id: int, doctor_id: UUID | None, today: date, horizon_days: int
) -> bool:
    """Return whether published hours differ from the weekly ones, as they do after a partner system has changed the
    weekly hours. This ignores the last few days, because the worker publishes those every night."""
    last = today + timedelta(days=horizon_days) - NIGHTLY_DAYS
    if last < today:
        return False
    content = ScheduleChangeContent(to=last, publish=True)
    change = await hours_changes.preview(
        request.db, clinic_id=clinic_id, doctor_id=doctor_id, content=content, now=clock.now()
    )
    return bool(change.added or change.removed)


@get(
    "/staff/{clinic_id:int}/hours/time-slots/new",
    operation_id="showNewTimeSlot",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def new_time_slot(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await staff_page(request, "staff/hours/time_slot.html", clinic_id=clinic_id, place="hours", time_slot=None)


@get(
    "/staff/{clinic_id:int}/hours/time-slots/{time_slot_id:uuid}",
    operation_id="showTimeSlot",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def time_slot(request: Request, clinic_id: FromPath[int], time_slot_id: FromPath[UUID]) -> Response[Any]:
    if clinic_of(time_slot_id) != clinic_id:
        raise errors.NotFound
    details = await schedules.get_time_slot(request.db, time_slot_id)
    return await staff_page(
        request, "staff/hours/time_slot.html", clinic_id=clinic_id, place="hours", time_slot=details
    )


@post(
    "/staff/{clinic_id:int}/hours/time-slots/{time_slot_id:uuid}",
    operation_id="saveTimeSlot",
    status_code=HTTP_200_OK,
    opt=route(permission="manage", problems=("time-slots-intersect", *LINE_PROBLEMS)),
    include_in_schema=False,
)
async def save_time_slot(
    request: Request, clinic_id: FromPath[int], time_slot_id: FromPath[UUID], data: JSONBody[saving.TimeSlotForm]
) -> Response[Any]:
    """Change a time slot and publish the hours that use it, or refuse both."""
    if clinic_of(time_slot_id) != clinic_id:
        raise errors.NotFound
    await request.change(
        clinic_id,
        saving.change_time_slot,
        request.user,
        time_slot_id=time_slot_id,
        form=data,
        if_match=request.if_match,
        now=clock.now(),
    )
    return saved()


PAGES: Final = [hours, new_time_slot, time_slot, save_time_slot]
