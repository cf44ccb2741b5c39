"""A clinic's team on staff pages; and the pages of mailed links, to set or reset a password without JavaScript."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from ...clinics.doctors import repository as doctors
from ...http.forms import parse_form, parse_id, parse_instant, query_params
from ...http.languages import language_for
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request
from ...http.routes import route
from ...identity.accounts import credentials, repository, staff
from ...kit import clock, errors
from ..rendering import NO_STORE, faults_by_field, render, url_with
from ..staff_frame import staff_page

SIGN_IN: Final = route(permission="sign-in", page=True)
PAGE_SIZE: Final = 100
MAX_DOCTORS: Final = 1000


@get("/credentials/{token:str}", operation_id="showCredentials", opt=SIGN_IN, include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[Any]:
    try:
        await credentials.user_of_link(request.db, token=token, secret=request.services.secret_key, now=clock.now())
    except errors.AppointError as refusal:
        return _link_refused(request, refusal)
    return _page(request, "account/credentials.html", token=token, fault=None)


@post("/credentials", operation_id="setCredentialsByForm", status_code=200, opt=SIGN_IN, include_in_schema=False)
async def choose(request: Request) -> Response[Any]:
    """Set a password. The token is in the form, because addresses are logged."""
    fields = await parse_form(request)
    token, password = fields.get("token", ""), fields.get("password", "")
    try:
        email = await credentials.set_password_by_link(
            request.db,
            request.user,
            token=token,
            password=password,
            secret=request.services.secret_key,
            now=clock.now(),
        )
        await sign_in_throttle.succeeded(request, account=email.lower(), now=clock.now())
    except errors.Invalid as invalid:
        (fault,) = faults_by_field(invalid, language_for(request)).values()
        return _page(request, "account/credentials.html", status_code=400, token=token, fault=fault)
    except errors.AppointError as refusal:
        return _link_refused(request, refusal)
    return _page(request, "account/credentials_done.html")


def _link_refused(request: Request, refusal: errors.AppointError) -> Response[Any]:
    if refusal.type not in ("link-used", "link-expired", "not-found"):
        raise refusal
    return _page(
        request,
        "account/password_reset.html",
        status_code=404 if refusal.type == "not-found" else 409,
        refusal=refusal.type,
        asked=False,
    )


@get("/password-reset", operation_id="showPasswordReset", opt=SIGN_IN, include_in_schema=False)
async def show_reset(request: Request) -> Response[Any]:
    return _page(request, "account/password_reset.html", refusal=None, asked=False)


@post("/password-reset", operation_id="resetPasswordByForm", status_code=200, opt=SIGN_IN, include_in_schema=False)
async def reset(request: Request) -> Response[Any]:
    """Send a link to reset the password. The answer is the same whether or not the user exists."""
    email = (await parse_form(request)).get("email", "").strip()
    await sign_in_throttle.admit(request, account=email.lower(), now=clock.now())
    await request.db.atomic(credentials.request_reset, request.user, email=email, now=clock.now())
    return _page(request, "account/password_reset.html", refusal=None, asked=True)


def _page(request: Request, template: str, *, status_code: int = 200, **values: Any) -> Response[Any]:
    return render(request, template, status_code=status_code, cache_control=NO_STORE, **values)


@get(
    "/staff/{clinic_id:int}/users",
    operation_id="showUsers",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def users(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    members = await repository.list_for_clinic(
        request.db, clinic_id, after=_after(query_params(request)), limit=PAGE_SIZE
    )
    page = members[:PAGE_SIZE]
    return await staff_page(
        request,
        "staff/team/users.html",
        clinic_id=clinic_id,
        place="users",
        subjects=[user.id for user in page],
        users=page,
        doctors=dict(await _doctors(request, clinic_id)),
        next=url_with(request, since=page[-1].created_at.isoformat(), after=page[-1].id)
        if len(members) > PAGE_SIZE
        else None,
    )


def _after(query: dict[str, str]) -> tuple[datetime, UUID] | None:
    since, user_id = parse_instant(query.get("since")), parse_id(query.get("after"))
    return (since, user_id) if since and user_id else None


async def _doctors(request: Request, clinic_id: int) -> list[tuple[UUID, str]]:
    active_doctors = await doctors.list_doctors(
        request.db, clinic_id, specialty=None, active=True, after=None, limit=MAX_DOCTORS
    )
    return sorted(((each.id, each.name) for each in active_doctors), key=lambda each: each[1])


@get(
    "/staff/{clinic_id:int}/users/invite",
    operation_id="showInvitation",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def invite(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await staff_page(
        request,
        "staff/team/invite.html",
        clinic_id=clinic_id,
        place="users",
        doctors=await _doctors(request, clinic_id),
    )


@get(
    "/staff/{clinic_id:int}/users/{user_id:uuid}",
    operation_id="showUser",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def user(request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID]) -> Response[Any]:
    member = await staff.get(request.db, clinic_id, user_id)
    return await staff_page(
        request,
        "staff/team/user.html",
        clinic_id=clinic_id,
        place="users",
        subjects=[user_id],
        user=member,
        doctors=await _doctors(request, clinic_id),
    )


PAGES: Final = [show, choose, show_reset, reset, users, invite, user]
