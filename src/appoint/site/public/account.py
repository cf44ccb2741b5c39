"""Patient sign-in by code, and the signed-in patient's appointments. Works without JavaScript."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from ... import audit
from ...booking import links
from ...booking import service as appointments
from ...customers import service as customers
from ...http import decoding
from ...http.access import COOKIE
from ...http.cookies import linked_customers_of, set_linked_customers, set_session_cookie
from ...http.forms import parse_form, parse_id, query_params
from ...http.languages import language_for
from ...http.problems.catalogue import PROBLEMS
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request
from ...http.routes import route
from ...identity.sign_in_codes import service
from ...identity.sign_in_codes.model import SignInCodeRequest
from ...kit import clock, errors
from ...kit.i18n import translate
from ...kit.ids import PLATFORM
from ..page_access import next_page
from ..rendering import NO_STORE, faults_by_field, redirect, render

MY_APPOINTMENTS: Final = "/my"
MAX_APPOINTMENTS: Final = 100


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
        "public/sign_in.html",
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
    address_text = fields.get("address", "").strip()
    body = {"email": address_text} if "@" in address_text else {"phone": address_text, "locale": language}
    try:
        address = decoding.convert(SignInCodeRequest, body).address
    except errors.Invalid as invalid:
        return _address_page(
            request, fields, fault=next(iter(faults_by_field(invalid, language).values())), status_code=400
        )
    now = clock.now()
    try:
        await sign_in_throttle.count_attempt(request, account=address.account, now=now)
    except errors.TooMany as refusal:
        response = _address_page(
            request,
            fields,
            refusal=translate(language, "You have requested too many codes. Please wait a while and try again."),
            status_code=429,
        )
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
        return response
    code = await request.db.atomic(service.send_code, request.user, address=address, now=now)
    return redirect(f"/sign-in/{code.code_id}?{urlencode({'next': next_page(fields, MY_APPOINTMENTS)})}")


@get(
    "/sign-in/{code_id:uuid}",
    operation_id="showSignInCode",
    opt=route(permission="sign-in", page=True, rate_limit="requests"),
    include_in_schema=False,
)
async def show_code(request: Request) -> Response[Any]:
    return _code_page(request, query_params(request))


def _code_page(
    request: Request, fields: Mapping[str, str], *, fault: str = "", status_code: int = 200
) -> Response[Any]:
    return render(
        request,
        "public/sign_in_code.html",
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
        return _code_page(request, fields, fault=translate(language, "Enter the six-digit code."), status_code=400)
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
        return _code_page(request, {**fields, "code": ""}, fault=translate(language, wrong_code), status_code=401)
    await sign_in_throttle.record_success(request, account=outcome.address.account, now=clock.now())
    response = redirect(next_page(fields, MY_APPOINTMENTS))
    set_session_cookie(response, outcome.token, lifetime)
    set_linked_customers(response, request.services.secret_key, outcome.token, outcome.linked_customers, lifetime)
    return response


@get(
    MY_APPOINTMENTS,
    operation_id="showOwnAppointments",
    opt=route(permission="see-customers", page=True, narrows=True),
    include_in_schema=False,
)
async def my_appointments(request: Request) -> Response[Any]:
    customer_id = request.user.customer_id
    if customer_id is None:  # the administrator
        return redirect("/staff")
    now, secret = clock.now(), request.services.secret_key
    customer, others = await customers.find_linked_customers(request.db, customer_id, linked_customers_of(request))
    visits = await appointments.list_visits(
        request.db, customer_ids=[customer_id, *(other.id for other in others)], now=now, limit=MAX_APPOINTMENTS
    )
    await audit.record(
        request.services.db,
        request.user,
        clinic_id=PLATFORM,
        subjects=[customer.id, *(visit.id for visit in visits)],
    )
    linked = [(visit, f"/appointments/{links.token(secret, visit.id)}") for visit in visits]
    return render(
        request,
        "public/my_appointments.html",
        cache_control=NO_STORE,
        customer=customer,
        others=others,
        upcoming=[(visit, link) for visit, link in linked if visit.start_time >= now],
        past=[(visit, link) for visit, link in reversed(linked) if visit.start_time < now],
        clinics={visit.slug or visit.clinic_id: visit.clinic for visit in visits if visit.active},
    )


@post(
    MY_APPOINTMENTS,
    operation_id="becomeAnother",
    status_code=303,
    opt=route(permission="see-customers", page=True, narrows=True),
    include_in_schema=False,
)
async def switch_customer(request: Request) -> Response[Any]:
    """Switch to another customer who shares the address."""
    customer_id = parse_id((await parse_form(request)).get("customer"))
    linked_customers, session_token = linked_customers_of(request), request.cookies.get(COOKIE)
    if request.user.customer_id is None or customer_id is None or linked_customers is None or session_token is None:
        return redirect(MY_APPOINTMENTS)
    now = clock.now()
    # the new session ends no later than the one opened with the code
    lifetime = linked_customers.since + timedelta(hours=request.services.settings.session_hours) - now
    if lifetime <= timedelta():
        return redirect(MY_APPOINTMENTS)
    token = await request.db.atomic(
        service.switch_customer,
        request.user,
        customer_id=customer_id,
        linked=linked_customers,
        current_token=session_token,
        lifetime=lifetime,
        now=now,
    )
    response = redirect(MY_APPOINTMENTS)
    set_session_cookie(response, token, lifetime)
    set_linked_customers(response, request.services.secret_key, token, linked_customers, lifetime)
    return response


PAGES: Final = [show, send, show_code, sign_in, my_appointments, switch_customer]
