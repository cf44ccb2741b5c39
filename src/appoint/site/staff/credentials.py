"""The pages behind emailed links, for setting or resetting a password. They work without JavaScript."""

from datetime import timedelta
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath

from ...audit import Refusals
from ...http.access import COOKIE
from ...http.cookies import set_session_cookie
from ...http.forms import parse_form
from ...http.languages import language_for
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request
from ...http.routes import route
from ...identity.accounts import credentials
from ...identity.accounts.model import StoredUser
from ...identity.passkeys.requests import party_of
from ...identity.sessions import service as sessions
from ...identity.sessions.factors import FactorProof
from ...kit import clock, errors
from ...kit.email_addresses import clean
from ..rendering import NO_STORE, faults_by_field, redirect, render

SIGN_IN: Final = route(permission="sign-in", page=True)


@get("/credentials/{token:str}", operation_id="showCredentials", opt=SIGN_IN, include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[Any]:
    try:
        user = await _user_of_link(request, token)
    except errors.AppointError as refusal:
        return _link_refused(request, refusal)
    return _form(request, user, token)


@post("/credentials", operation_id="setCredentialsByForm", status_code=200, opt=SIGN_IN, include_in_schema=False)
async def set_password(request: Request) -> Response[Any]:
    """Set a password. The token is in the form rather than the address, because addresses are logged. Users who choose
    their first password are signed in."""
    fields = await parse_form(request)
    token, password = fields.get("token", ""), fields.get("password", "")
    user = None
    try:
        user = await _user_of_link(request, token)
        email = await credentials.set_password_by_link(
            request.db,
            request.user,
            token=token,
            password=password,
            secret=request.services.secret_key,
            now=clock.now(),
        )
        await sign_in_throttle.record_success(request, account=email.lower(), now=clock.now())
    except errors.Invalid as invalid:
        (fault,) = faults_by_field(invalid, language_for(request)).values()
        assert user, "the fault is in the password"
        return _form(request, user, token, fault)
    except errors.AppointError as refusal:
        return _link_refused(request, refusal)
    if user.password_hash is None and (response := await _sign_in(request, email, password)):
        return response
    return _page(request, "staff/credentials/credentials_done.html")


async def _user_of_link(request: Request, token: str) -> StoredUser:
    return await credentials.user_of_link(request.db, token=token, secret=request.services.secret_key, now=clock.now())


def _form(request: Request, user: StoredUser, token: str, fault: str | None = None) -> Response[Any]:
    return _page(
        request,
        "staff/credentials/credentials.html",
        status_code=400 if fault else 200,
        token=token,
        fault=fault,
        new_user=user if user.password_hash is None else None,
    )


async def _sign_in(request: Request, email: str, password: str) -> Response[Any] | None:
    """Sign in a user who has just chosen their first password. Return None if signing in requires more than a
    password."""
    lifetime = timedelta(hours=request.services.settings.session_hours)
    try:
        opened_session = await sessions.sign_in(
            request.db,
            request.user,
            email=email,
            password=password,
            factor=FactorProof(),
            previous_token=request.cookies.get(COOKIE),
            party=party_of(request),
            lifetime=lifetime,
            refusals=request.services.get(Refusals),
            now=clock.now(),
        )
    except errors.Unauthorized:
        return None
    response = redirect("/staff")
    set_session_cookie(response, opened_session.token, lifetime)
    return response


def _link_refused(request: Request, refusal: errors.AppointError) -> Response[Any]:
    if refusal.type not in ("link-used", "link-expired", "not-found"):
        raise refusal
    return _page(
        request,
        "staff/credentials/password_reset.html",
        status_code=404 if refusal.type == "not-found" else 409,
        refusal=refusal.type,
        sent=False,
    )


@get("/password-reset", operation_id="showPasswordReset", opt=SIGN_IN, include_in_schema=False)
async def show_reset(request: Request) -> Response[Any]:
    return _page(request, "staff/credentials/password_reset.html", refusal=None, sent=False)


@post("/password-reset", operation_id="resetPasswordByForm", status_code=200, opt=SIGN_IN, include_in_schema=False)
async def reset(request: Request) -> Response[Any]:
    """Send a link for resetting the password. The response is the same whether or not the user exists."""
    email = clean((await parse_form(request)).get("email", ""))
    await sign_in_throttle.count_attempt(request, account=email.lower(), now=clock.now())
    await request.db.atomic(credentials.request_reset, request.user, email=email, now=clock.now())
    return _page(request, "staff/credentials/password_reset.html", refusal=None, sent=True)


def _page(request: Request, template: str, *, status_code: int = 200, **values: Any) -> Response[Any]:
    return render(request, template, status_code=status_code, cache_control=NO_STORE, **values)


PAGES: Final = [show, set_password, show_reset, reset]
