"""How changes to weekly hours affect appointments and published hours."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import MediaType, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ... import audit
from ...clinics.appointment_types import service as types
from ...clinics.clinics import service as clinics
from ...clinics.doctors import service as doctors
from ...customers import service as customers
from ...database.pool import Transaction
from ...http.forms import query_params
from ...http.languages import language_tag_for, typed_date
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.i18n import template_functions
from ...scheduling.hours_changes import service
from ...scheduling.hours_changes.model import (
    ChangedSlot,
    DoctorsScheduleChangeContent,
    ScheduleChange,
    ScheduleChangeContent,
)
from ..rendering import NO_STORE, templates
from ..staff_frame import staff_page
from .hours_parts import doctor_of_clinic

MAX_CHANGED_DAYS: Final = 200


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
    """Return a preview of saving and applying a week, as HTML for the week's editor.

    Doesn't change anything, and refuses whatever the API would refuse.
    """
    await doctor_of_clinic(request, clinic_id, doctor_id)

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
    clinic = await clinics.get(request.db, clinic_id)
    language = language_tag_for(request, clinic.time_zone)
    markup = templates.get_template("staff/hours/change_preview.html").render(
        clinic=clinic,
        language=language,
        **template_functions(language),
        doctor_id=doctor_id,
        content=data,
        weekly=msgspec.json.encode(data.weekly).decode(),
        etag=request.if_match,
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
    await doctor_of_clinic(request, clinic_id, doctor_id)
    return await _changes(request, clinic_id, doctor_id)


async def _changes(request: Request, clinic_id: int, doctor_id: UUID | None) -> Response[Any]:
    """Preview applying the weekly hours. Changes nothing."""
    query, time_zone = query_params(request), (await clinics.get(request.db, clinic_id)).time_zone
    first, last = (typed_date(request, query.get(name), time_zone) for name in ("from", "to"))
    if first and last and last < first:
        last = first
    content = ScheduleChangeContent(from_=first, to=last, publish=True)
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
        etag=None,
        doctor_id=doctor_id,
        **await _preview_values(request, clinic_id, change),
    )


async def _preview_values(request: Request, clinic_id: int, change: ScheduleChange) -> dict[str, Any]:
    """Return the values for the preview's template."""
    days = _by_day(change)
    return {
        "change": change,
        "days": days[:MAX_CHANGED_DAYS],
        "more_days": max(len(days) - MAX_CHANGED_DAYS, 0),
        "names": await doctors.names(request.db, clinic_id),
        "patients": await customers.load_patient_names(
            request.db, clinic_id, [each.customer_id for each in change.stranded]
        ),
        "types": {each.id: each.name for each in await types.list_types(request.db, clinic_id)},
        "local_date": clock.local_date,
    }


def _by_day(change: ScheduleChange) -> list[tuple[date, UUID, Sequence[ChangedSlot], Sequence[ChangedSlot]]]:
    """Return the removed and added slots, grouped by date and doctor."""
    removed, added = _grouped(change.removed), _grouped(change.added)
    return [(*key, removed.get(key, []), added.get(key, [])) for key in sorted(removed.keys() | added.keys())]


def _grouped(slots: Iterable[ChangedSlot]) -> dict[tuple[date, UUID], Sequence[ChangedSlot]]:
    day_and_doctor = attrgetter("date", "doctor_id")
    return {key: list(group) for key, group in groupby(sorted(slots, key=day_and_doctor), key=day_and_doctor)}


PAGES: Final = [changes_of_week, changes_of_clinic, changes_of_doctor]
