"""What can be booked at a clinic, for its managers to change."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...clinics.appointment_types import repository, service
from ...http.forms import query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import errors, money
from ...kit.ids import clinic_of
from ..staff_frame import staff_page

MOST: Final = 1000


@get(
    "/staff/{clinic_id:int}/types",
    operation_id="showAppointmentTypes",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def types(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    active = query_params(request).get("show") != "removed"
    found = await repository.list_types(request.db, clinic_id, active=active, after=None, limit=MOST)
    return await staff_page(
        request,
        "staff/appointment_types/appointment_types.html",
        clinic_id=clinic_id,
        place="types",
        types=found,
        active=active,
    )


@get(
    "/staff/{clinic_id:int}/types/new",
    operation_id="showNewAppointmentType",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def new(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await staff_page(
        request,
        "staff/appointment_types/appointment_type.html",
        clinic_id=clinic_id,
        place="types",
        type=None,
        taken=await _names(request, clinic_id, None),
        price="",
        currencies=money.currency_choices(language_for(request)),
    )


async def _names(request: Request, clinic_id: int, but: UUID | None) -> list[str]:
    """Of what else is offered."""
    return [
        each.name
        for each in await repository.list_types(request.db, clinic_id, active=True, after=None, limit=MOST)
        if each.id != but
    ]


@get(
    "/staff/{clinic_id:int}/types/{type_id:uuid}",
    operation_id="showAppointmentType",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def type(request: Request, clinic_id: FromPath[int], type_id: FromPath[UUID]) -> Response[Any]:
    if clinic_of(type_id) != clinic_id:
        raise errors.NotFound
    found = await service.get(request.db, type_id)
    known = [found.price.currency] if found.price else []
    return await staff_page(
        request,
        "staff/appointment_types/appointment_type.html",
        clinic_id=clinic_id,
        place="types",
        type=found,
        taken=await _names(request, clinic_id, type_id),
        price=money.format_amount(found.price),
        currencies=money.currency_choices(language_for(request), *known),
    )


PAGES: Final = [types, new, type]
