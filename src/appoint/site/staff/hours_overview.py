"""Working hours at a glance: all doctors' weeks, and the clinic's time slots."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...clinics.clinics import service as clinics
from ...clinics.doctors import service as doctors
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ...scheduling.weekly_hours import service as schedules
from ...scheduling.weekly_hours.model import Schedule
from ..staff_frame import staff_page
from .hours_parts import weekday_names


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
        weekdays=weekday_names(request, "abbreviated"),
        today=today,
        horizon=today + timedelta(days=clinic.policy.horizon_days),
        horizon_days=clinic.policy.horizon_days,
    )


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


PAGES: Final = [hours, new_time_slot, time_slot]
