"""Partner systems' API keys, for staff."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...http.forms import parse_id, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...identity.api_keys import service
from ...kit import clock, errors
from ...kit.i18n import translate
from ...kit.ids import clinic_of
from ...kit.permissions import PERMISSIONS, SCOPES
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 50
LIFETIMES_IN_DAYS: Final = (30, 90, 365)


@get(
    "/staff/{clinic_id:int}/keys",
    operation_id="showApiKeys",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def keys(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    query = query_params(request)
    removed = "removed" in query
    matches = await service.list_keys(
        request.db, clinic_id, active=not removed, after=parse_id(query.get("after")), limit=PAGE_SIZE
    )
    page = matches[:PAGE_SIZE]
    return await staff_page(
        request,
        "staff/api_keys/api_keys.html",
        clinic_id=clinic_id,
        place="keys",
        subjects=[key.id for key in page],
        keys=page,
        removed=removed,
        now=clock.now(),
        next=url_with(request, after=page[-1].id) if len(matches) > PAGE_SIZE else None,
    )


@get(
    "/staff/{clinic_id:int}/keys/new",
    operation_id="showNewApiKey",
    opt=route(permission="manage-access", page=True, recent_proof=True),
    include_in_schema=False,
)
async def new(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await _form(request, clinic_id, None)


@get(
    "/staff/{clinic_id:int}/keys/{api_key_id:uuid}",
    operation_id="showApiKey",
    opt=route(permission="manage-access", page=True, recent_proof=True),
    include_in_schema=False,
)
async def key(request: Request, clinic_id: FromPath[int], api_key_id: FromPath[UUID]) -> Response[Any]:
    if clinic_of(api_key_id) != clinic_id:
        raise errors.NotFound
    return await _form(request, clinic_id, api_key_id)


async def _form(request: Request, clinic_id: int, api_key_id: UUID | None) -> Response[Any]:
    api_key, now = await service.get(request.db, api_key_id) if api_key_id else None, clock.now()
    return await staff_page(
        request,
        "staff/api_keys/api_key.html",
        clinic_id=clinic_id,
        place="keys",
        subjects=[api_key_id] if api_key_id else None,
        key=api_key,
        now=now,
        scopes=[name for name in PERMISSIONS if name in SCOPES],
        ends=[
            (
                (now + timedelta(days=days)).isoformat(timespec="seconds"),
                translate(language_for(request), "in {n} days", n=days),
            )
            for days in LIFETIMES_IN_DAYS
        ],
    )


PAGES: Final = [keys, new, key]
