"""The platform's accounts and administrator tokens, for its administrators."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...http.forms import parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...identity.admin_tokens import service as tokens_service
from ...identity.revocation import service as revocation
from ...kit import clock
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 50
TIME_ZONE: Final = "UTC"
"""UTC, because administrators work for clinics in many time zones."""


@get(
    "/staff/admin-tokens",
    operation_id="showAdminTokens",
    opt=route(permission="administer", page=True, recent_proof=True),
    include_in_schema=False,
)
async def tokens(request: Request) -> Response[Any]:
    active = await tokens_service.list_tokens(request.db, active=True, now=clock.now())
    return await staff_page(
        request,
        "staff/platform/admin_tokens.html",
        clinic_id=None,
        subjects=[token.id for token in active],
        tokens=active,
        time_zone=TIME_ZONE,
        lifetimes=[30, 90, 180, 365],
    )


@get(
    "/staff/accounts",
    operation_id="showAccounts",
    opt=route(permission="administer", page=True),
    include_in_schema=False,
)
async def accounts(request: Request) -> Response[Any]:
    query = query_params(request)
    after = parse_id(query.get("after"))
    matches = await revocation.list_accounts(
        request.db,
        email=query.get("email", "").strip() or None,
        administrator=True if "administrators" in query else None,
        after=(after,) if after else None,
        limit=PAGE_SIZE,
    )
    page = matches[:PAGE_SIZE]
    return await staff_page(
        request,
        "staff/platform/accounts.html",
        clinic_id=None,
        subjects=[account.id for account in page],
        accounts=page,
        filters=query,
        next=url_with(request, after=page[-1].id) if len(matches) > PAGE_SIZE else None,
    )


@get(
    "/staff/accounts/{user_id:uuid}",
    operation_id="showUserAccount",
    opt=route(permission="administer", page=True),
    include_in_schema=False,
)
async def account(request: Request, user_id: FromPath[UUID]) -> Response[Any]:
    return await staff_page(
        request,
        "staff/platform/account.html",
        clinic_id=None,
        subjects=[user_id],
        account=await revocation.get_account(request.db, user_id),
        time_zone=TIME_ZONE,
    )


PAGES: Final = [tokens, accounts, account]
