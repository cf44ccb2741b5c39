"""/api/signInCodes"""

from datetime import timedelta
from uuid import UUID

import msgspec
from litestar import Controller, Response, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...http.access import COOKIE
from ...http.cookies import keep
from ...http.idempotency import idempotent
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request, idempotency_key
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock, errors
from ..sessions.responses import signed_in
from . import service
from .model import CodeAnswer, CodeOutcome, SignInCode, SignInCodeRequest


class SignInCodes(Controller):
    """Sign-in of patients: Appoint sends a code to the e-mail address or phone number on their record. They have no
    password."""

    path = "/signInCodes"
    tags = ["Sessions"]

    @post(operation_id="sendSignInCode", status_code=HTTP_200_OK, opt=route(permission="sign-in"))
    async def send(self, request: Request, data: JSONBody[SignInCodeRequest]) -> Response[SignInCode]:
        """Send a sign-in code to an address. Sends nothing if no record has the address, but the answer is the same."""
        address, now = data.address, clock.now()
        await sign_in_throttle.admit(request, account=address.account, now=now)
        code, replayed = await idempotent(
            request,
            data,
            lambda tx: service.ask(tx, request.user, address=address, now=now),
            remember=lambda code: code,
            recall=lambda _, content: _recall(content),
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
        for one of them.

        A code works once, for ten minutes and five attempts. A repeated request is another attempt, because Appoint
        stores no codes or tokens.
        """
        idempotency_key(request)
        lasts = timedelta(hours=request.services.settings.session_hours)
        entered = await request.db.atomic(
            service.answer,
            request.user,
            code_id=code_id,
            code=data.code,
            customer_id=data.customer_id or None,
            before=request.cookies.get(COOKIE),
            secret=request.services.secret_key,
            lasts=lasts,
            now=clock.now(),
        )
        if entered is None:
            raise errors.Unauthorized("wrong-code")
        if isinstance(entered, list):
            return json_response(request, CodeOutcome(choices=entered), cache_control="no-store")
        await sign_in_throttle.succeeded(request, account=entered.address.account, now=clock.now())
        session = signed_in(request, entered.session, entered.account, entered.token, cookie=data.cookie)
        response = json_response(request, CodeOutcome(session=session), cache_control="no-store")
        if data.cookie:
            keep(response, entered.token, lasts)
        return response


async def _recall(content: object) -> SignInCode:
    return msgspec.convert(content, SignInCode)
