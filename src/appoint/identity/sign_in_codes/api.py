"""/api/signInCodes"""

from datetime import timedelta
from uuid import UUID

from litestar import Controller, Response, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...http.access import COOKIE
from ...http.cookies import set_session_cookie
from ...http.languages import language_for, use_account_choices
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request, idempotency_key
from ...http.resources import idempotent_result
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock, errors
from ..sessions.responses import sign_in_response
from . import service
from .model import CodeAnswer, CodeOutcome, SignInCode, SignInCodeRequest


class SignInCodes(Controller):
    """Patients sign in without a password: Appoint sends a code to the email address or phone number on their
    record."""

    path = "/signInCodes"
    tags = ["Sessions"]

    @post(operation_id="sendSignInCode", status_code=HTTP_200_OK, opt=route(permission="sign-in"))
    async def send(self, request: Request, data: JSONBody[SignInCodeRequest]) -> Response[SignInCode]:
        """Send a sign-in code to an address. Nothing is sent if the address is not on any record, but the response is
        the same."""
        address, now = data.address, clock.now()
        await sign_in_throttle.count_attempt(request, account=address.account, now=now)
        code, replayed = await idempotent_result(
            request,
            data,
            lambda tx: service.send_code(tx, request.user, address=address, locale=language_for(request), now=now),
            SignInCode,
        )
        return json_response(request, code, cache_control="no-store", headers=replay_headers(replayed))

    @post(
        "/{code_id:uuid}/session",
        operation_id="signInByCode",
        status_code=HTTP_200_OK,
        opt=route(permission="sign-in", problems=("wrong-code",)),
    )
    async def answer(
        self, request: Request, code_id: FromPath[UUID], data: JSONBody[CodeAnswer]
    ) -> Response[CodeOutcome]:
        """Sign in with a code. If several patients share the address, return them as `choices`; the code stays valid
        for signing in as one of them.

        A code can be used once, within ten minutes, and allows up to five attempts. A repeated request counts as
        another attempt, because Appoint does not store codes or tokens.
        """
        idempotency_key(request)
        lifetime = timedelta(hours=request.services.settings.session_hours)
        outcome = await request.db.atomic(
            service.sign_in,
            request.user,
            entry=service.CodeEntry(
                code_id, data.code, data.customer_id or None, previous_token=request.cookies.get(COOKIE)
            ),
            secret=request.services.secret_key,
            lifetime=lifetime,
            now=clock.now(),
        )
        if outcome is None:
            raise errors.Unauthorized("wrong-code")
        if isinstance(outcome, list):
            return json_response(request, CodeOutcome(choices=outcome), cache_control="no-store")
        await sign_in_throttle.record_success(request, account=outcome.address.account, now=clock.now())
        session = sign_in_response(request, outcome.session, outcome.account, outcome.token, cookie=data.cookie)
        response = json_response(request, CodeOutcome(session=session), cache_control="no-store")
        if data.cookie:
            set_session_cookie(response, outcome.token, lifetime)
            use_account_choices(request, response, outcome.account.locale, outcome.account.region)
        return response
