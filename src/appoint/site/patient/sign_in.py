"""Patients' sign-in by code. Works without JavaScript."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from ...http import decoding
from ...http.access import COOKIE
from ...http.cookies import (
    add_known_address,
    code_address_of,
    knows_address,
    set_code_address,
    set_linked_customers,
    set_session_cookie,
)
from ...http.forms import parse_form, query_params
from ...http.languages import language_for, use_account_choices
from ...http.problems.catalogue import PROBLEMS
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request
from ...http.routes import route
from ...identity.sign_in_codes import service
from ...identity.sign_in_codes.model import SignInCodeRequest
from ...kit import clock, errors, phones
from ...kit.i18n import translate
from ...kit.typed_text import tidy
from ..page_access import next_page
from ..rendering import NO_STORE, faults_by_field, redirect, render
from .my_appointments import MY_APPOINTMENTS


@get(
    "/sign-in",
    operation_id="showPatientSignIn",
    opt=route(permission="sign-in", page=True, rate_limit="requests"),
    include_in_schema=False,
)
async def show(request: Request) -> Response[Any]:
    return _address_page(request, query_params(request))


def _address_page(
    request: Request, fields: Mapping[str, str], *, fault: str = "", refusal: str = "", status_code: int = 200
) -> Response[Any]:
    return render(
        request,
        "patient/sign_in.html",
        status_code=status_code,
        cache_control=NO_STORE,
        address=fields.get("address", ""),
        next=next_page(fields, MY_APPOINTMENTS),
        fault=fault,
        refusal=refusal,
    )


@post(
    "/sign-in",
    operation_id="sendSignInCodeByForm",
    status_code=303,
    opt=route(permission="sign-in", page=True),
    include_in_schema=False,
)
async def send(request: Request) -> Response[Any]:
    """Send a code. The response is the same whether or not a customer has the address."""
    fields, language = await parse_form(request), language_for(request)
    typed = tidy(fields.get("address", ""))
    body: dict[str, str] = {"email": typed}
    if "@" not in typed:
        body = {"phone": await service.find_phone(request.db, typed=typed, locale=language) or typed}
    try:
        address = decoding.convert(SignInCodeRequest, body).address
    except errors.Invalid as invalid:
        return _address_page(
            request, fields, fault=next(iter(faults_by_field(invalid, language).values())), status_code=400
        )
    now = clock.now()
    try:
        is_known_device = knows_address(request, address.text, now)
        await sign_in_throttle.count_attempt(request, account=address.account, is_known_device=is_known_device, now=now)
    except errors.TooMany as refusal:
        response = _address_page(
            request,
            fields,
            refusal=translate(language, "You have requested too many codes. Please wait a while and try again."),
            status_code=429,
        )
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
        return response
    code = await request.db.atomic(service.send_code, request.user, address=address, locale=language, now=now)
    response = redirect(f"/sign-in/{code.code_id}?{urlencode({'next': next_page(fields, MY_APPOINTMENTS)})}")
    set_code_address(response, request.services.secret_key, code.code_id, address.text)
    return response


@get(
    "/sign-in/{code_id:uuid}",
    operation_id="showSignInCode",
    opt=route(permission="sign-in", page=True, rate_limit="requests"),
    include_in_schema=False,
)
async def show_code(request: Request, code_id: FromPath[UUID]) -> Response[Any]:
    return _code_page(request, code_id, query_params(request))


def _code_page(
    request: Request, code_id: UUID, fields: Mapping[str, str], *, fault: str = "", status_code: int = 200
) -> Response[Any]:
    address = code_address_of(request, code_id)
    return render(
        request,
        "patient/sign_in_code.html",
        sent_to=phones.format_international(address) if address.startswith("+") else address,
        status_code=status_code,
        cache_control=NO_STORE,
        code=fields.get("code", ""),
        next=next_page(fields, MY_APPOINTMENTS),
        fault=fault,
        development=request.services.settings.mode == "development",
    )


@post(
    "/sign-in/{code_id:uuid}",
    operation_id="signInByCodeForm",
    status_code=303,
    opt=route(permission="sign-in", page=True),
    include_in_schema=False,
)
async def sign_in(request: Request, code_id: FromPath[UUID]) -> Response[Any]:
    fields, language = await parse_form(request), language_for(request)
    code = "".join(fields.get("code", "").split())
    if not re.fullmatch("[0-9]{6}", code):
        return _code_page(
            request, code_id, fields, fault=translate(language, "Enter the six-digit code."), status_code=400
        )
    lifetime = timedelta(hours=request.services.settings.session_hours)
    outcome = await request.db.atomic(
        service.sign_in,
        request.user,
        entry=service.CodeEntry(code_id, code, take_first=True, previous_token=request.cookies.get(COOKIE)),
        secret=request.services.secret_key,
        lifetime=lifetime,
        now=clock.now(),
    )
    if not isinstance(outcome, service.CodeSignIn):
        wrong_code = PROBLEMS["wrong-code"].happened
        return _code_page(
            request, code_id, {**fields, "code": ""}, fault=translate(language, wrong_code), status_code=401
        )
    address, now = outcome.address, clock.now()
    is_known_device = knows_address(request, address.text, now)
    await sign_in_throttle.record_success(request, account=address.account, is_known_device=is_known_device, now=now)
    response = redirect(next_page(fields, MY_APPOINTMENTS))
    add_known_address(response, request, address.text, now)
    set_session_cookie(response, outcome.token, lifetime)
    use_account_choices(request, response, outcome.account.locale, outcome.account.region)
    set_linked_customers(response, request.services.secret_key, outcome.token, outcome.linked_customers, lifetime)
    return response


PAGES: Final = [show, send, show_code, sign_in]
