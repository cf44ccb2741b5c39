"""/api/sessions, and authentication with a session's token"""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final, cast
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.connection import ASGIConnection
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_204_NO_CONTENT

from ...audit import Refusals
from ...http.access import COOKIE, is_valid_csrf_token
from ...http.cookies import browser_id_of, delete_session_cookie, set_browser_id, set_session_cookie
from ...http.dependencies import services_of
from ...http.etags import check, digest
from ...http.forms import parse_form
from ...http.languages import use_account_choices
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request, idempotency_key
from ...http.responses import json_response
from ...http.routes import route, route_of
from ...kit import clock, errors
from ...kit.actors import Actor
from ...kit.structs import Page
from ...settings import Settings
from ..accounts.guesses import throttle_guesses
from ..passkeys import service as passkeys
from ..passkeys.model import PasskeyRequest
from ..passkeys.requests import browser_id_for, party_of
from . import passkey_sign_in, proofs, service
from .factors import FactorProof
from .model import Credentials, PasskeyCredentials, Proof, Session, SignedIn
from .responses import sign_in_response

SAFE: Final = ("GET", "HEAD", "OPTIONS")


class Sessions(Controller):
    """Sessions for users and patients. Clients send the token as a bearer token; browsers can instead use a cookie,
    which scripts cannot read and other sites cannot send."""

    tags = ["Sessions"]

    @post(
        "/sessions",
        operation_id="signIn",
        opt=route(
            permission="sign-in",
            problems=("wrong-credentials", "totp-required", "passkey-required", "passkey-refused"),
        ),
    )
    async def sign_in(self, request: Request, data: JSONBody[Credentials]) -> Response[SignedIn]:
        """Sign in as a user. Ends the browser's previous session. A repeated request opens another session, because
        Appoint does not store passwords or tokens."""
        idempotency_key(request)
        lifetime = _lifetime(request)
        await sign_in_throttle.count_attempt(request, account=data.email.lower(), now=clock.now())
        sign_in = await service.sign_in(
            request.db,
            request.user,
            email=data.email,
            password=data.password,
            factor=FactorProof(
                code=data.totp or None,
                recovery_code=data.recovery_code or None,
                passkey=data.passkey or None,
                holder=browser_id_of(request) or "",
            ),
            previous_token=request.cookies.get(COOKIE),
            party=party_of(request),
            lifetime=lifetime,
            refusals=request.services.get(Refusals),
            now=clock.now(),
        )
        await sign_in_throttle.record_success(request, account=data.email.lower(), now=clock.now())
        return _signed_in(request, sign_in, cookie=data.cookie)

    @get(
        "/sessions/passkey/options",
        operation_id="beginPasskeySignIn",
        opt=route(permission="sign-in", rate_limit="requests", unattended=True),
    )
    async def begin_passkey_sign_in(self, request: Request) -> Response[PasskeyRequest]:
        """Return the options that a browser needs to sign in with a passkey. The challenge is valid only in the browser
        that requested it, which a cookie identifies."""
        browser_id = browser_id_for(request)
        options = passkeys.begin_use(party_of(request), "sign-in", browser_id, now=clock.now())
        response = json_response(request, options, cache_control="no-store")
        set_browser_id(response, browser_id)
        return response

    @post(
        "/sessions/passkey",
        operation_id="signInWithPasskey",
        opt=route(permission="sign-in", problems=("passkey-refused",)),
    )
    async def sign_in_with_passkey(self, request: Request, data: JSONBody[PasskeyCredentials]) -> Response[SignedIn]:
        """Sign in with a passkey instead of a password. Ends the browser's previous session."""
        idempotency_key(request)
        lifetime = _lifetime(request)
        account = f"passkey {sha256(data.credential.id.encode()).hexdigest()}"
        await sign_in_throttle.count_attempt(request, account=account, now=clock.now())
        sign_in = await passkey_sign_in.sign_in(
            request.db,
            request.user,
            proof=data,
            browser_id=browser_id_of(request) or "",
            previous_token=request.cookies.get(COOKIE),
            party=party_of(request),
            lifetime=lifetime,
            refusals=request.services.get(Refusals),
            now=clock.now(),
        )
        await sign_in_throttle.record_success(request, account=account, now=clock.now())
        return _signed_in(request, sign_in, cookie=data.cookie)

    @get("/sessions", operation_id="listSessions", opt=route(permission="account"))
    async def list(self, request: Request) -> Response[Page[Session]]:
        """List the caller's sessions, oldest first."""
        sessions = await service.list_own(
            request.db, request.user, idle=request.services.settings.session_idle, now=clock.now()
        )
        return json_response(request, Page(sessions, None), subjects=[session.id for session in sessions])

    @get("/sessions/{session_id:uuid}", operation_id="getSession", opt=route(permission="account"))
    async def find(self, request: Request, session_id: FromPath[UUID]) -> Response[Session]:
        """Return one of the caller's sessions."""
        return json_response(
            request,
            await service.get(
                request.db,
                request.user,
                session_id=session_id,
                idle=request.services.settings.session_idle,
                now=clock.now(),
            ),
            subjects=[session_id],
        )

    @delete(
        "/sessions/current",
        operation_id="signOut",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="account", problems=("not-found",)),
    )
    async def sign_out(self, request: Request) -> Response[None]:
        """Sign out and end the current session."""
        await self._check_version(request, request.user.session_id)
        await request.db.atomic(service.sign_out, request.user)
        return _signed_out()

    @post(
        "/sessions/current/proof",
        operation_id="proveIdentity",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="credentials", problems=("forbidden",)),
    )
    async def prove(self, request: Request, data: JSONBody[Proof]) -> None:
        """Enter a credential again: the password, a code from the authenticator, or a passkey. Some requests are
        allowed only within ten minutes of signing in or doing this. Patients sign in with a new code instead.
        """
        idempotency_key(request)
        await throttle_guesses(
            request,
            proofs.prove(
                request.db,
                request.user,
                password=data.password or None,
                factor=FactorProof(
                    code=data.totp or None, passkey=data.passkey or None, holder=passkeys.holder_of(request.user)
                ),
                party=party_of(request),
                now=clock.now(),
            ),
        )

    @post(
        "/sessions/current/proof/options",
        operation_id="beginPasskeyProof",
        status_code=HTTP_200_OK,
        opt=route(permission="credentials"),
    )
    async def begin_passkey_proof(self, request: Request) -> Response[PasskeyRequest]:
        """Return the options that a browser needs to confirm the caller's identity with a passkey."""
        idempotency_key(request)
        holder = passkeys.holder_of(request.user)
        options = passkeys.begin_use(party_of(request), "prove", holder, now=clock.now())
        return json_response(request, options, cache_control="no-store")

    @delete(
        "/sessions/{session_id:uuid}",
        operation_id="endSession",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="account"),
    )
    async def end(self, request: Request, session_id: FromPath[UUID]) -> Response[None]:
        """End one of the caller's sessions."""
        await self._check_version(request, session_id)
        await request.db.atomic(service.end, request.user, session_id=session_id)
        return (
            _signed_out() if session_id == request.user.session_id else Response(None, status_code=HTTP_204_NO_CONTENT)
        )

    async def _check_version(self, request: Request, session_id: UUID | None) -> None:
        if request.if_match is not None:
            check(
                request.if_match,
                digest(
                    await service.get(
                        request.db,
                        request.user,
                        session_id=session_id,
                        idle=request.services.settings.session_idle,
                        now=clock.now(),
                    )
                ),
            )

    @delete(
        "/sessions", operation_id="signOutEverywhere", status_code=HTTP_204_NO_CONTENT, opt=route(permission="account")
    )
    async def end_all(self, request: Request) -> Response[None]:
        """End all of the caller's sessions, including the current one."""
        await request.db.atomic(service.end_all, request.user)
        return _signed_out()


def _lifetime(request: Request) -> timedelta:
    settings: Settings = request.services.settings
    return timedelta(hours=settings.session_hours)


def _signed_in(request: Request, sign_in: service.SignIn, *, cookie: bool) -> Response[SignedIn]:
    answer = sign_in_response(request, sign_in.session, sign_in.account, sign_in.token, cookie=cookie)
    headers = {"Location": f"/api/sessions/{sign_in.session.id}"}
    response = json_response(request, answer, cache_control="no-store", status_code=HTTP_201_CREATED, headers=headers)
    if cookie:
        set_session_cookie(response, sign_in.token, _lifetime(request))
        use_account_choices(request, response, sign_in.account.locale, sign_in.account.region)
    return response


def _signed_out() -> Response[None]:
    response: Response[None] = Response(None, status_code=HTTP_204_NO_CONTENT)
    delete_session_cookie(response)
    return response


async def identify(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    """Return the caller whose session token was sent as the bearer token, if any."""
    return await service.identify(
        services_of(connection).db,
        token=token,
        idle=services_of(connection).settings.session_idle,
        address=connection.client.host if connection.client else None,
        unattended=route_of(connection.route_handler).unattended,
        now=clock.now(),
    )


async def by_cookie(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    """Return the caller whose session token is in the cookie. Raise `Forbidden` for a change without the CSRF token. A
    form doesn't need the token if the browser confirms that it comes from one of our own pages, because the page may be
    older than the session.

    Sign-in requests are anonymous, even with a previous session's cookie.
    """
    declared = route_of(connection.route_handler)
    if declared.permission == "sign-in":
        return None
    caller = await identify(connection, token)
    method = cast("Mapping[str, Any]", connection.scope).get("method")
    if caller and method not in SAFE:
        csrf = connection.headers.get("x-csrf-token")
        if csrf is None and isinstance(connection, Request) and declared.page:
            if connection.headers.get("sec-fetch-site") == "same-origin":  # other sites' pages cannot forge this header
                return caller
            csrf = (await parse_form(connection)).get("csrf")
        if not is_valid_csrf_token(services_of(connection).secret_key, token, csrf or ""):
            raise errors.Forbidden
    return caller
