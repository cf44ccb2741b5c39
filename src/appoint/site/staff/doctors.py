"""Who works at a clinic, for its managers to change."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...clinics.appointment_types import repository as types
from ...clinics.doctors import repository, service
from ...http.forms import parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ..rendering import url_with
from ..staff_frame import staff_page

MOST: Final = 200
"""On a page; more are on the next."""
MOST_TYPES: Final = 1000


@get(
    "/staff/{clinic_id:int}/doctors",
    operation_id="showDoctors",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def doctors(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    said = query_params(request)
    active, place = said.get("show") != "left", parse_id(said.get("after"))
    found = await repository.list_doctors(
        request.db, clinic_id, specialty=None, active=active, after=place and (place,), limit=MOST
    )
    offered = await types.list_types(request.db, clinic_id, active=True, after=None, limit=MOST_TYPES)
    return await staff_page(
        request,
        "staff/doctors/doctors.html",
        clinic_id=clinic_id,
        place="doctors",
        doctors=found[:MOST],
        active=active,
        names={each.id: each.name for each in offered},
        next=url_with(request, after=found[MOST - 1].id) if len(found) > MOST else None,
    )


@get(
    "/staff/{clinic_id:int}/doctors/new",
    operation_id="showNewDoctor",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def new(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    offered = await types.list_types(request.db, clinic_id, active=True, after=None, limit=MOST_TYPES)
    return await staff_page(
        request,
        "staff/doctors/doctor.html",
        clinic_id=clinic_id,
        place="doctors",
        doctor=None,
        types=offered,
        to_come=0,
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
    found = await service.get(request.db, doctor_id)
    offered = await types.list_types(request.db, clinic_id, active=True, after=None, limit=MOST_TYPES)
    gone = await types.list_types(request.db, clinic_id, active=False, after=None, limit=MOST_TYPES)
    to_come = await repository.count_upcoming_appointments(request.db, doctor_id, now=clock.now())
    return await staff_page(
        request,
        "staff/doctors/doctor.html",
        clinic_id=clinic_id,
        place="doctors",
        doctor=found,
        types=[*offered, *(each for each in gone if each.id in (found.appointment_type_ids or ()))],
        to_come=to_come,
    )


PAGES: Final = [doctors, new, doctor]
