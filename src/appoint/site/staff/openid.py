"""Staff sign-in through the OpenID provider, and the page on which users link their account to it. All pages work
without JavaScript."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get, post

from ...audit import Refusals
from ...http.access import COOKIE
from ...http.cookies import delete_openid_attempt, openid_attempt_of, set_openid_attempt, set_session_cookie
from ...http.forms import parse_form, query_params
from ...http.languages import use_account_choices
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request
from ...http.routes import route
from ...identity.oidc import linked_accounts, sign_in
from ...identity.oidc.attempts import (
    ATTEMPT_TTL,
    Attempt,
    AttemptFailed,
    Outcome,
    PendingCode,
    Purpose,
    check_user,
    read_signed,
    signed,
)
from ...identity.oidc.linked_accounts import Browser
from ...identity.oidc.sign_in import CALLBACK, ProviderSignIn
from ...identity.passkeys.requests import party_of
from ...identity.sessions.service import SignIn
from ...kit import clock, errors
from ..page_access import next_page
from ..rendering import NO_STORE, redirect, render
from .sign_in import OPENID_STATUSES, factor_of, openid_outcome

LINK: Final = "/staff/account/openid"
SIGN_IN: Final = route(permission="sign-in", page=True)
SIGN_IN_VIEW: Final = route(permission="sign-in", page=True, rate_limit="requests")
OWN: Final = route(permission="credentials", page=True)
OWN_AND_PROVEN: Final = route(permission="credentials", page=True, recent_proof=True)


@get("/staff/sign-in/openid", operation_id="startOpenIdSignIn", opt=SIGN_IN_VIEW, include_in_schema=False)
async def start(request: Request) -> Response[Any]:
    """Redirect to the provider. Other sites can only send visitors to our sign-in page, not start a sign-in."""
    fields = query_params(request)
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return redirect(f"/staff/sign-in?{urlencode({'next': next_page(fields, '/staff')})}")
    try:
        return await _depart(request, "sign-in", fields)
    except AttemptFailed as failure:
        return _refuse("/staff/sign-in", next_page(fields, "/staff"), failure.outcome)


async def _depart(request: Request, purpose: Purpose, fields: dict[str, str]) -> Response[Any]:
    address, attempt = await sign_in.begin(
        request.services.get(ProviderSignIn),
        purpose,
        next=next_page(fields, "/staff"),
        user_id=request.user.user_id,
        now=clock.now(),
    )
    response = redirect(address)
    set_openid_attempt(response, signed(request.services.secret_key, attempt), ATTEMPT_TTL)
    return response


def _refuse(page: str, next: str, outcome: Outcome) -> Response[Any]:
    """Redirect to a page that says why the attempt failed, so that the provider's code is no longer in the address."""
    response = redirect(f"{page}?{urlencode({'next': next, 'openid': outcome})}")
    delete_openid_attempt(response)
    return response


def _attempt_of(request: Request) -> Attempt:
    return read_signed(request.services.secret_key, openid_attempt_of(request), Attempt, now=clock.now())


@get(CALLBACK, operation_id="signInByOpenId", opt=SIGN_IN, include_in_schema=False)
async def finish(request: Request) -> Response[Any]:
    """Handle the provider's response. If it belongs to a signed-in user's attempt, pass it on to the page that reads
    the session."""
    openid = request.services.get(ProviderSignIn)
    if not openid.name:
        raise errors.NotFound
    answer = query_params(request)
    next = "/staff"
    try:
        attempt = _attempt_of(request)
        if attempt.purpose != "sign-in":
            return redirect(f"/staff/openid/return?{urlencode(answer)}")
        next = next_page({"next": attempt.next}, next)
        identity = await sign_in.finish(request.db, openid, attempt, response=answer, now=clock.now())
        entered = await linked_accounts.enter(
            request.db,
            request.user,
            openid,
            identity,
            browser=_browser(request),
            refusals=request.services.get(Refusals),
            next=next,
            now=clock.now(),
        )
    except AttemptFailed as failure:
        return _refuse("/staff/sign-in", next, failure.outcome)
    if isinstance(entered, PendingCode):
        response = redirect("/staff/sign-in/openid/code")
        set_openid_attempt(response, signed(request.services.secret_key, entered), ATTEMPT_TTL)
        return response
    return _signed_in(request, entered, next)


def _browser(request: Request) -> Browser:
    return Browser(
        previous_token=request.cookies.get(COOKIE),
        lifetime=timedelta(hours=request.services.settings.session_hours),
        party=party_of(request),
    )


def _signed_in(request: Request, entered: SignIn, next: str) -> Response[Any]:
    response = redirect(next_page({"next": next}, "/staff"))
    set_session_cookie(response, entered.token, _browser(request).lifetime)
    use_account_choices(request, response, entered.account.locale, entered.account.region)
    delete_openid_attempt(response)
    return response


@get("/staff/sign-in/openid/code", operation_id="showOpenIdCode", opt=SIGN_IN_VIEW, include_in_schema=False)
async def show_code(request: Request) -> Response[Any]:
    if not request.services.get(ProviderSignIn).name:
        raise errors.NotFound
    try:
        return _code_page(request, _pending(request))
    except AttemptFailed as failure:
        return _refuse("/staff/sign-in", "/staff", failure.outcome)


def _pending(request: Request) -> PendingCode:
    return read_signed(request.services.secret_key, openid_attempt_of(request), PendingCode, now=clock.now())


def _code_page(request: Request, pending: PendingCode, *, wrong: bool = False) -> Response[Any]:
    return render(
        request,
        "staff/openid/code.html",
        status_code=401 if wrong else 200,
        cache_control=NO_STORE,
        next=pending.next,
        totp=pending.totp,
        wrong=wrong,
    )


@post(
    "/staff/sign-in/openid/code",
    operation_id="signInByOpenIdAndCode",
    status_code=200,
    opt=SIGN_IN,
    include_in_schema=False,
)
async def enter_code(request: Request) -> Response[Any]:
    factor = factor_of((await parse_form(request)).get("totp", "").strip())
    try:
        pending = _pending(request)
    except AttemptFailed as failure:
        return _refuse("/staff/sign-in", "/staff", failure.outcome)
    try:
        account = f"user {pending.user_id}"
        await sign_in_throttle.count_attempt(request, account=account, now=clock.now())
        entered = await linked_accounts.enter_with_code(
            request.db,
            request.user,
            pending,
            factor=factor,
            browser=_browser(request),
            refusals=request.services.get(Refusals),
            now=clock.now(),
        )
    except AttemptFailed as failure:
        return _refuse("/staff/sign-in", "/staff", failure.outcome)
    except errors.Unauthorized:
        return _code_page(request, pending, wrong=True)
    await sign_in_throttle.record_success(request, account=account, now=clock.now())
    return _signed_in(request, entered, pending.next)


@get(LINK, operation_id="showOpenIdLink", opt=OWN_AND_PROVEN, include_in_schema=False)
async def show_link(request: Request) -> Response[Any]:
    """Show whether the user's account is linked and, if it is not, a link to the provider. Because the user has to
    follow that link themselves, another site cannot link the account."""
    outcome = openid_outcome(query_params(request))
    if not request.services.get(ProviderSignIn).name:
        return redirect("/staff/account/security")
    openid = request.services.get(ProviderSignIn)
    linked_at = await linked_accounts.linked_at(request.db, request.user, openid)
    address, attempt = "", None
    if not linked_at:
        try:
            address, attempt = await sign_in.begin(
                openid, "link", next=LINK, user_id=request.user.user_id, now=clock.now()
            )
        except AttemptFailed as failure:
            outcome = failure.outcome
    response = render(
        request,
        "staff/openid/account.html",
        status_code=OPENID_STATUSES[outcome] if outcome else 200,
        cache_control=NO_STORE,
        openid=outcome,
        openid_name=openid.name,
        linked_at=linked_at,
        address=address,
    )
    if attempt:
        set_openid_attempt(response, signed(request.services.secret_key, attempt), ATTEMPT_TTL)
    return response


@get("/staff/confirm/openid", operation_id="startOpenIdProof", opt=OWN, include_in_schema=False)
async def start_proof(request: Request) -> Response[Any]:
    """Redirect to the provider, where the user has to enter a credential again."""
    fields = query_params(request)
    if not request.services.get(ProviderSignIn).name:
        return redirect("/staff/account/security")
    try:
        return await _depart(request, "prove", fields)
    except AttemptFailed as failure:
        return _refuse("/staff/confirm", next_page(fields, "/staff"), failure.outcome)


@get("/staff/openid/return", operation_id="returnFromOpenId", opt=OWN, include_in_schema=False)
async def return_to_account(request: Request) -> Response[Any]:
    """Handle the provider's response for the signed-in user: link their account, or accept the proof that they are
    still there."""
    openid = request.services.get(ProviderSignIn)
    attempt = None
    try:
        attempt = _attempt_of(request)
        check_user(attempt, request.user.user_id)
        identity = await sign_in.finish(request.db, openid, attempt, response=query_params(request), now=clock.now())
        change = linked_accounts.link if attempt.purpose == "link" else linked_accounts.prove
        await request.db.atomic(change, request.user, openid, identity, now=clock.now())
    except AttemptFailed as failure:
        page = "/staff/confirm" if attempt and attempt.purpose == "prove" else LINK
        return _refuse(page, next_page({"next": attempt.next if attempt else ""}, "/staff"), failure.outcome)
    response = redirect(next_page({"next": attempt.next}, "/staff"))
    delete_openid_attempt(response)
    return response


@post(
    "/staff/account/openid/unlink",
    operation_id="unlinkOpenId",
    status_code=200,
    opt=OWN_AND_PROVEN,
    include_in_schema=False,
)
async def unlink(request: Request) -> Response[Any]:
    openid = request.services.get(ProviderSignIn)
    await request.db.atomic(linked_accounts.unlink, request.user, openid, now=clock.now())
    return redirect(LINK)


PAGES: Final = [start, finish, show_code, enter_code, show_link, start_proof, return_to_account, unlink]
