"""A clinic's team, for managers."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...clinics.doctors import service as doctors
from ...http.forms import parse_id, parse_instant, query_params
from ...http.request import Request
from ...http.routes import route
from ...identity.accounts import staff
from ...identity.networks import service as networks_service
from ...identity.revocation import service as revocation
from ...identity.sign_in_rules import service as rules_service
from ...kit import clock
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 100


@get(
    "/staff/{clinic_id:int}/users",
    operation_id="showUsers",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def users(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    members = await staff.list_users(request.db, clinic_id, after=_after(query_params(request)), limit=PAGE_SIZE)
    page = members[:PAGE_SIZE]
    return await staff_page(
        request,
        "staff/team/users.html",
        clinic_id=clinic_id,
        place="users",
        subjects=[user.id for user in page],
        users=page,
        doctors=await doctors.names(request.db, clinic_id),
        next=url_with(request, since=page[-1].created_at.isoformat(), after=page[-1].id)
        if len(members) > PAGE_SIZE
        else None,
    )


def _after(query: dict[str, str]) -> tuple[datetime, UUID] | None:
    since, user_id = parse_instant(query.get("since")), parse_id(query.get("after"))
    return (since, user_id) if since and user_id else None


@get(
    "/staff/{clinic_id:int}/users/invite",
    operation_id="showInvitation",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def invite(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the form. It suggests the manager role if the clinic has no manager, and the receptionist role otherwise."""
    has_manager = await staff.has_manager(request.db, clinic_id)
    return await staff_page(
        request,
        "staff/team/invite.html",
        clinic_id=clinic_id,
        place="users",
        role="receptionist" if has_manager else "manager",
        doctors=list((await doctors.names(request.db, clinic_id)).items()),
    )


@get(
    "/staff/{clinic_id:int}/users/{user_id:uuid}",
    operation_id="showUser",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def user(request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID]) -> Response[Any]:
    member = await staff.get(request.db, clinic_id, user_id)
    sessions = await revocation.list_member_sessions(
        request.db,
        clinic_id=clinic_id,
        user_id=user_id,
        idle=request.services.settings.session_idle,
        now=clock.now(),
    )
    return await staff_page(
        request,
        "staff/team/user.html",
        clinic_id=clinic_id,
        place="users",
        subjects=[user_id, *(session.id for session in sessions)],
        user=member,
        sessions=sessions,
        doctors=list((await doctors.names(request.db, clinic_id)).items()),
    )


@get(
    "/staff/{clinic_id:int}/users/networks",
    operation_id="showStaffNetworks",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def networks(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    allowed = await networks_service.get(request.db, clinic_id)
    return await staff_page(
        request,
        "staff/team/networks.html",
        clinic_id=clinic_id,
        place="users",
        networks=allowed.networks,
        own_address=request.user.address,
    )


@get(
    "/staff/{clinic_id:int}/users/sign-in",
    operation_id="showSignInRules",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def sign_in_rules(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    members = await staff.list_users(request.db, clinic_id, after=None, limit=PAGE_SIZE)
    without_factor = [user for user in members if not user.second_factor and not user.disabled_at]
    return await staff_page(
        request,
        "staff/team/sign_in_rules.html",
        clinic_id=clinic_id,
        place="users",
        subjects=[user.id for user in without_factor],
        rules=await rules_service.get(request.db, clinic_id),
        without_factor=without_factor,
    )


PAGES: Final = [networks, sign_in_rules, users, invite, user]
