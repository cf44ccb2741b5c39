"""Working hours: time slots, weekly hours, and previews of how changes affect published hours."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import msgspec
from babel import Locale
from litestar import MediaType, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ... import audit
from ...clinics.appointment_types import repository as types
from ...clinics.clinics import service as clinics
from ...clinics.doctors import repository as doctors_repository
from ...clinics.doctors import service as doctors
from ...customers import repository as customers
from ...database.pool import Transaction
from ...http import etags
from ...http.forms import parse_date, parse_id, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, fields
from ...kit.i18n import template_functions
from ...kit.ids import clinic_of
from ...scheduling.hours_changes import service
from ...scheduling.hours_changes.model import (
    ChangedSlot,
    DoctorsScheduleChangeContent,
    ScheduleChange,
    ScheduleChangeContent,
)
from ...scheduling.weekly_hours import service as schedules
from ...scheduling.weekly_hours.model import Schedule
from ...scheduling.weekly_hours.repository import lines as schedules_repository
from ..rendering import NO_STORE, templates
from ..staff_frame import staff_page

MAX_ITEMS: Final = 1000
MAX_CHANGED_DAYS: Final = 200


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
    active_doctors = await doctors_repository.list_doctors(
        request.db, clinic_id, specialty=None, active=True, after=None, limit=MAX_ITEMS
    )
    lines = await schedules_repository.of_clinic(request.db, clinic_id, doctor_id=own, since=today)
    weeks = [
        (
            doctor,
            Schedule(doctor.id, clinic_id, clinic.time_zone, lines.get(doctor.id, [])).week_on(today).weekly,
            doctor.id in lines,
        )
        for doctor in sorted(active_doctors, key=lambda doctor: doctor.name.casefold())
        if own in (None, doctor.id)
    ]
    return await staff_page(
        request,
        "staff/hours/hours.html",
        clinic_id=clinic_id,
        place="hours",
        weeks=weeks,
        own=own,
        time_slots=await schedules.time_slots(request.db, clinic_id),
        weekdays=_weekdays(request, "abbreviated"),
        today=today,
        horizon=today + timedelta(days=clinic.policy.horizon_days),
        horizon_days=clinic.policy.horizon_days,
    )


def _weekdays(request: Request, width: str = "wide") -> list[tuple[fields.Weekday, str]]:
    """Return the names of the weekdays, from Monday."""
    names: Any = Locale.parse(language_for(request)).days["stand-alone"][width]
    return [(weekday, names[number]) for number, weekday in enumerate(fields.WEEKDAYS)]


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
    details = await schedules.time_slot(request.db, time_slot_id)
    return await staff_page(
        request, "staff/hours/time_slot.html", clinic_id=clinic_id, place="hours", time_slot=details
    )


@get(
    "/staff/{clinic_id:int}/hours/{doctor_id:uuid}",
    operation_id="showWeek",
    opt=route(permission="schedule", owned_by="doctor_id", page=True),
    include_in_schema=False,
)
async def week(request: Request, clinic_id: FromPath[int], doctor_id: FromPath[UUID]) -> Response[Any]:
    doctor = await _doctor(request, clinic_id, doctor_id)
    schedule = await schedules.schedule(request.db, doctor_id)
    today = clock.local_date(clock.now(), schedule.time_zone)
    first = max(parse_date(query_params(request).get("from")) or today, today)
    current = schedule.week_on(first)
    return await staff_page(
        request,
        "staff/hours/weekly_hours.html",
        clinic_id=clinic_id,
        place="hours",
        doctor=doctor,
        weekly=current.weekly,
        match=etags.digest(current),
        first=first,
        today=today,
        lines=[line for line in schedule.lines if (line.valid_until or today) >= today],
        later=[line for line in schedule.lines if line.valid_from and line.valid_from > first],
        limited=[line for line in schedule.lines if line.is_valid_on(first) and line.valid_until],
        time_slots=await schedules.time_slots(request.db, clinic_id),
        weekdays=_weekdays(request),
    )


@get(
    "/staff/{clinic_id:int}/hours/line/{doctor_id:uuid}",
    operation_id="showLine",
    opt=route(permission="schedule", owned_by="doctor_id", page=True),
    include_in_schema=False,
)
async def line(request: Request, clinic_id: FromPath[int], doctor_id: FromPath[UUID]) -> Response[Any]:
    """Show the form to add hours with dates, optionally as a copy (`copy`), or to edit them (`id`)."""
    doctor = await _doctor(request, clinic_id, doctor_id)
    query = query_params(request)
    changed, copied = parse_id(query.get("id")), parse_id(query.get("copy"))
    current = next(
        (line for line in (await schedules.schedule(request.db, doctor_id)).lines if line.id == (changed or copied)),
        None,
    )
    if changed and not current:
        raise errors.NotFound
    return await staff_page(
        request,
        "staff/hours/dated_hours.html",
        clinic_id=clinic_id,
        place="hours",
        doctor=doctor,
        known=current,
        changed=changed,
        time_slots=await schedules.time_slots(request.db, clinic_id),
        weekdays=_weekdays(request),
    )


async def _doctor(request: Request, clinic_id: int, doctor_id: UUID) -> Any:
    if clinic_of(doctor_id) != clinic_id:
        raise errors.NotFound
    return await doctors.get(request.db, doctor_id)


@post(
    "/staff/{clinic_id:int}/hours/changes/{doctor_id:uuid}",
    operation_id="showChangesOfWeek",
    status_code=HTTP_200_OK,
    opt=route(permission="schedule", owned_by="doctor_id"),
    include_in_schema=False,
)
async def changes_of_week(
    request: Request, clinic_id: FromPath[int], doctor_id: FromPath[UUID], data: JSONBody[DoctorsScheduleChangeContent]
) -> Response[Any]:
    """Return a preview of saving and applying a week, as HTML for its editor. Changes nothing, and refuses what the API
    refuses."""
    await _doctor(request, clinic_id, doctor_id)

    async def rehearse(tx: Transaction) -> ScheduleChange:
        change = await service.rehearse(
            tx,
            clinic_id=clinic_id,
            doctor_id=doctor_id,
            content=data,
            if_match=request.if_match,
            now=clock.now(),
        )
        subjects = [doctor_id, *(appointment.id for appointment in change.stranded)]
        await audit.record(tx, request.user, clinic_id=clinic_id, subjects=subjects)
        return change

    change = await request.db.atomic(rehearse)
    language = language_for(request)
    markup = templates.get_template("staff/hours/change_preview.html").render(
        clinic=await clinics.get(request.db, clinic_id),
        language=language,
        **template_functions(language),
        doctor_id=doctor_id,
        content=data,
        weekly=msgspec.json.encode(data.weekly).decode(),
        match=request.if_match,
        **await _preview_values(request, clinic_id, change),
    )
    return Response(
        msgspec.json.encode({"markup": markup}), media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE}
    )


@get(
    "/staff/{clinic_id:int}/hours/changes",
    operation_id="showChangesOfClinic",
    opt=route(permission="schedule", page=True),
    include_in_schema=False,
)
async def changes_of_clinic(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await _changes(request, clinic_id, None)


@get(
    "/staff/{clinic_id:int}/hours/changes/{doctor_id:uuid}",
    operation_id="showChangesOfDoctor",
    opt=route(permission="schedule", owned_by="doctor_id", page=True),
    include_in_schema=False,
)
async def changes_of_doctor(request: Request, clinic_id: FromPath[int], doctor_id: FromPath[UUID]) -> Response[Any]:
    await _doctor(request, clinic_id, doctor_id)
    return await _changes(request, clinic_id, doctor_id)


async def _changes(request: Request, clinic_id: int, doctor_id: UUID | None) -> Response[Any]:
    """Preview applying the weekly hours. Changes nothing."""
    query = query_params(request)
    first, last = parse_date(query.get("from")), parse_date(query.get("to"))
    if first and last and last < first:
        last = first
    content = ScheduleChangeContent(from_=first, to=last)
    change = await service.preview(
        request.db, clinic_id=clinic_id, doctor_id=doctor_id, content=content, now=clock.now()
    )
    return await staff_page(
        request,
        "staff/hours/changes.html",
        clinic_id=clinic_id,
        place="hours",
        subjects=[*([doctor_id] if doctor_id else []), *(appointment.id for appointment in change.stranded)],
        content=content,
        weekly=None,
        match=None,
        doctor_id=doctor_id,
        **await _preview_values(request, clinic_id, change),
    )


async def _preview_values(request: Request, clinic_id: int, change: ScheduleChange) -> dict[str, Any]:
    """Return the values of the template of a preview."""
    of_clinic = await doctors_repository.list_doctors(
        request.db, clinic_id, specialty=None, active=True, after=None, limit=MAX_ITEMS
    )
    types_offered = await types.list_types(request.db, clinic_id, active=True, after=None, limit=MAX_ITEMS)
    days = _by_day(change)
    return {
        "told": change,
        "days": days[:MAX_CHANGED_DAYS],
        "more_days": max(len(days) - MAX_CHANGED_DAYS, 0),
        "names": {each.id: each.name for each in of_clinic},
        "patients": await customers.patient_names(
            request.db, clinic_id, [each.customer_id for each in change.stranded]
        ),
        "types": {each.id: each.name for each in types_offered},
        "local_date": clock.local_date,
    }


def _by_day(change: ScheduleChange) -> list[tuple[date, UUID, Sequence[ChangedSlot], Sequence[ChangedSlot]]]:
    """Return the removed and added slots, by date and doctor."""
    removed, added = _grouped(change.removed), _grouped(change.added)
    return [(*key, removed.get(key, []), added.get(key, [])) for key in sorted(removed.keys() | added.keys())]


def _grouped(slots: Iterable[ChangedSlot]) -> dict[tuple[date, UUID], Sequence[ChangedSlot]]:
    day_and_doctor = attrgetter("date", "doctor_id")
    return {key: list(group) for key, group in groupby(sorted(slots, key=day_and_doctor), key=day_and_doctor)}


PAGES: Final = [hours, new_time_slot, time_slot, week, line, changes_of_week, changes_of_clinic, changes_of_doctor]
