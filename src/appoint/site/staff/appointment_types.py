"""A clinic's appointment types, for managers."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...clinics.appointment_types import service
from ...http.forms import parse_form, parse_id, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, money
from ...kit.ids import clinic_of
from ...messaging.notifications import place_changes
from ..rendering import redirect
from ..staff_frame import staff_page


@get(
    "/staff/{clinic_id:int}/types",
    operation_id="showAppointmentTypes",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def types(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    query = query_params(request)
    active = query.get("show") != "removed"
    return await staff_page(
        request,
        "staff/appointment_types/appointment_types.html",
        clinic_id=clinic_id,
        place="types",
        types=await service.list_types(request.db, clinic_id, active=active),
        active=active,
        moved=parse_id(query.get("moved")),
        moved_up=query.get("way") == "up",
    )


@post(
    "/staff/{clinic_id:int}/types",
    operation_id="moveAppointmentType",
    status_code=HTTP_200_OK,
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def move(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Move a type one place up or down, and return to its button, which keeps the focus."""
    form = await parse_form(request)
    way = "up" if "up" in form else "down"
    type_id = parse_id(form.get(way))
    if type_id is None or clinic_of(type_id) != clinic_id:
        raise errors.NotFound
    await request.change(clinic_id, service.move, request.user, id=type_id, places=-1 if way == "up" else 1)
    return redirect(f"/staff/{clinic_id}/types?moved={type_id}&way={way}")


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
        has_video_visits=await service.has_video_visits(request.db, clinic_id),
        upcoming=0,
        price="",
        currencies=money.currency_choices(language_for(request)),
    )


async def _names(request: Request, clinic_id: int, except_id: UUID | None) -> list[str]:
    """Return the names of the other types."""
    return [each.name for each in await service.list_types(request.db, clinic_id) if each.id != except_id]


@get(
    "/staff/{clinic_id:int}/types/{type_id:uuid}",
    operation_id="showAppointmentType",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def type(request: Request, clinic_id: FromPath[int], type_id: FromPath[UUID]) -> Response[Any]:
    if clinic_of(type_id) != clinic_id:
        raise errors.NotFound
    details = await service.get(request.db, type_id)
    used_currencies = [details.price.currency] if details.price else []
    return await staff_page(
        request,
        "staff/appointment_types/appointment_type.html",
        clinic_id=clinic_id,
        place="types",
        type=details,
        taken=await _names(request, clinic_id, type_id),
        has_video_visits=await service.has_video_visits(request.db, clinic_id),
        upcoming=await place_changes.count_upcoming(request.db, clinic_id=clinic_id, type_id=type_id, now=clock.now()),
        price=money.format_amount(details.price),
        currencies=money.currency_choices(language_for(request), *used_currencies),
    )


PAGES: Final = [types, move, new, type]
