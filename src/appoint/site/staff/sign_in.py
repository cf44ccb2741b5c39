"""Staff sign-in and sign-out, and the choice of a clinic."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from litestar import Response, get, post

from ...audit import Refusals
from ...clinics.clinics import service as clinics
from ...http.access import COOKIE
from ...http.cookies import delete_session_cookie, set_session_cookie
from ...http.development import is_development
from ...http.forms import parse_form, query_params
from ...http.languages import use_account_choices
from ...http.problems.catalogue import PROBLEMS
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request
from ...http.routes import route
from ...identity.accounts import staff
from ...identity.accounts.model import User
from ...identity.oidc.attempts import Outcome
from ...identity.oidc.sign_in import ProviderSignIn
from ...identity.passkeys.requests import party_of
from ...identity.sessions import service
from ...identity.sessions.factors import REQUIRED, FactorProof
from ...kit import clock, errors
from ...kit.email_addresses import clean
from ..page_access import next_page
from ..rendering import NO_STORE, redirect, render
from ..staff_frame import staff_page

MAX_CODE_LENGTH: Final = 8
"""Anything longer is a recovery code."""
RETRY_REASONS: Final = ("wrong-credentials", *REQUIRED)
OPENID_STATUSES: Final[Mapping[Outcome, int]] = {
    "cancelled": 200,
    "expired": 400,
    "failed": 400,
    "unlinked": 403,
    "taken": 409,
    "unavailable": 503,
}
DEMO_CLINIC: Final = 1
"""The demo world's first clinic, if it was loaded into an empty database."""
MAX_DEMO_USERS: Final = 10


class Demo(NamedTuple):
    """How to sign in to the demo world."""

    users: list[User]
    password_file: Path


@get("/staff/sign-in", operation_id="showSignIn", opt=route(permission="sign-in", page=True), include_in_schema=False)
async def show(request: Request) -> Response[Any]:
    return _sign_in_page(request, query_params(request), demo=await _load_demo(request))


def openid_outcome(fields: Mapping[str, str]) -> Outcome | None:
    """Return why signing in through the OpenID provider failed, as stated in a page's query."""
    return next((outcome for outcome in OPENID_STATUSES if outcome == fields.get("openid")), None)


async def _load_demo(request: Request) -> Demo | None:
    """Return the demo world's accounts, for developers on this machine."""
    path = request.services.settings.data_dir / "demo-password"
    if not is_development(request) or not path.exists():
        return None
    users = await staff.list_users(request.db, DEMO_CLINIC, after=None, limit=MAX_DEMO_USERS)
    return Demo(sorted(users, key=lambda user: user.role, reverse=True), path)


def _sign_in_page(
    request: Request, fields: dict[str, str], refusal: str | None = None, demo: Demo | None = None
) -> Response[Any]:
    openid = None if refusal else openid_outcome(fields)
    status_code = PROBLEMS[refusal].status if refusal else OPENID_STATUSES[openid] if openid else 200
    return render(
        request,
        "staff/sign_in.html",
        status_code=status_code,
        cache_control=NO_STORE,
        email=fields.get("email", ""),
        next=next_page(fields, "/staff"),
        refusal=refusal,
        problem=refusal and PROBLEMS[refusal],
        openid=openid,
        openid_name=request.services.get(ProviderSignIn).name,
        demo=demo,
        passkey_origin=party_of(request).origin,
    )


@post(
    "/staff/sign-in",
    operation_id="signInByForm",
    status_code=200,
    opt=route(permission="sign-in", page=True),
    include_in_schema=False,
)
async def sign_in(request: Request) -> Response[Any]:
    fields = await parse_form(request)
    email = clean(fields.get("email", ""))
    lifetime = timedelta(hours=request.services.settings.session_hours)
    await sign_in_throttle.count_attempt(request, account=email.lower(), now=clock.now())
    try:
        opened_session = await service.sign_in(
            request.db,
            request.user,
            email=email,
            password=fields.get("password", ""),
            factor=factor_of(fields.get("totp", "").strip()),
            previous_token=request.cookies.get(COOKIE),
            party=party_of(request),
            lifetime=lifetime,
            refusals=request.services.get(Refusals),
            now=clock.now(),
        )
    except errors.Unauthorized as refusal:
        if refusal.type not in RETRY_REASONS:
            raise
        return _sign_in_page(request, fields, refusal.type)
    await sign_in_throttle.record_success(request, account=email.lower(), now=clock.now())
    response = redirect(next_page(fields, "/staff"))
    set_session_cookie(response, opened_session.token, lifetime)
    use_account_choices(request, response, opened_session.account.locale, opened_session.account.region)
    return response


def factor_of(text: str) -> FactorProof:
    """Return what the user entered as their second factor: an authenticator's code or a recovery code."""
    code = text.replace(" ", "")
    if not code or (code.isdecimal() and len(code) <= MAX_CODE_LENGTH):
        return FactorProof(code=code or None)
    return FactorProof(recovery_code=text)


@post(
    "/sign-out",
    operation_id="signOutByForm",
    status_code=200,
    opt=route(permission="account", page=True),
    include_in_schema=False,
)
async def sign_out(request: Request) -> Response[Any]:
    await request.db.atomic(service.sign_out, request.user)
    response = redirect("/staff/sign-in" if request.user.user_id else "/")
    delete_session_cookie(response)
    return response


@get("/staff", operation_id="showClinicsOfStaff", opt=route(permission="account", page=True), include_in_schema=False)
async def choose_clinic(request: Request) -> Response[Any]:
    """Redirect to the user's only clinic, or let them choose one. Administrators choose from all clinics. Users whose
    role requires a second factor have to set one up first."""
    if request.user.customer_id:
        return redirect("/my")
    actor = request.user
    if actor.unprotected:
        return redirect("/staff/second-factor")
    choices = await clinics.list_choices(
        request.services.db.across(),
        clinic_ids=None if actor.administrator else [each.clinic_id for each in actor.memberships],
    )
    if len(choices) == 1 and not actor.administrator:
        return redirect(f"/staff/{choices[0].id}")
    return await staff_page(
        request, "staff/clinics.html", clinic_id=None, clinics=choices, administrator=actor.administrator
    )


PAGES: Final = [show, sign_in, sign_out, choose_clinic]
