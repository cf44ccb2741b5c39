"""A clinic's doctors, for managers."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...clinics.appointment_types import service as types
from ...clinics.doctors import languages, service
from ...clinics.doctors.specialties import choices as specialty_choices
from ...http.forms import parse_id, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 200


@get(
    "/staff/{clinic_id:int}/doctors",
    operation_id="showDoctors",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def doctors(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    query = query_params(request)
    active = query.get("show") != "left"
    matches = await service.list_doctors(
        request.db, clinic_id, active=active, after=parse_id(query.get("after")), limit=PAGE_SIZE
    )
    return await staff_page(
        request,
        "staff/doctors/doctors.html",
        clinic_id=clinic_id,
        place="doctors",
        doctors=matches[:PAGE_SIZE],
        active=active,
        names={each.id: each.name for each in await types.list_types(request.db, clinic_id)},
        next=url_with(request, after=matches[PAGE_SIZE - 1].id) if len(matches) > PAGE_SIZE else None,
    )


@get(
    "/staff/{clinic_id:int}/doctors/new",
    operation_id="showNewDoctor",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def new(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await staff_page(
        request,
        "staff/doctors/doctor.html",
        clinic_id=clinic_id,
        place="doctors",
        doctor=None,
        types=await types.list_types(request.db, clinic_id),
        specialties=specialty_choices(language_for(request)),
        spoken=languages.form_choices(language_for(request)),
        upcoming=0,
    )


@get(
    "/staff/{clinic_id:int}/doctors/{doctor_id:uuid}",
    operation_id="showDoctor",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def doctor(request: Request, clinic_id: FromPath[int], doctor_id: FromPath[UUID]) -> Response[Any]:
    if clinic_of(doctor_id) != clinic_id:
        raise errors.NotFound
    details = await service.get(request.db, doctor_id)
    active = await types.list_types(request.db, clinic_id)
    removed = await types.list_types(request.db, clinic_id, active=False)
    return await staff_page(
        request,
        "staff/doctors/doctor.html",
        clinic_id=clinic_id,
        place="doctors",
        doctor=details,
        types=[*active, *(each for each in removed if each.id in (details.appointment_type_ids or ()))],
        specialties=specialty_choices(language_for(request)),
        spoken=languages.form_choices(language_for(request), details.languages),
        upcoming=await service.count_upcoming_appointments(request.db, doctor_id, now=clock.now()),
    )


PAGES: Final = [doctors, new, doctor]
