"""Patients sign in by a code and see all their appointments. The pages work without a script."""

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
from ...booking import repository as appointments
from ...customers import service as customers
from ...http import decoding
from ...http.access import COOKIE
from ...http.cookies import keep, keep_people, people_of
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
from ..rendering import NO_STORE, faults_by_field, next_page, redirect, render

MINE: Final = "/my"
MOST_SHOWN: Final = 100


@get(
    "/sign-in",
    operation_id="showPatientSignIn",
    opt=route(permission="sign-in", page=True, rate_limit="requests"),
    include_in_schema=False,
)
async def show(request: Request) -> Response[Any]:
    return _address_page(request, query_params(request))


def _address_page(
    request: Request, said: Mapping[str, str], *, fault: str = "", refusal: str = "", status_code: int = 200
) -> Response[Any]:
    return render(
        request,
        "public/sign_in.html",
        status_code=status_code,
        cache_control=NO_STORE,
        address=said.get("address", ""),
        next=next_page(said, MINE),
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
    """Goes on in the same way whether or not anybody has the address."""
    said, language = await parse_form(request), language_for(request)
    typed = said.get("address", "").strip()
    wanted = {"email": typed} if "@" in typed else {"phone": typed, "locale": language}
    try:
        address = decoding.convert(SignInCodeRequest, wanted).address
    except errors.Invalid as invalid:
        return _address_page(
            request, said, fault=next(iter(faults_by_field(invalid, language).values())), status_code=400
        )
    now = clock.now()
    try:
        await sign_in_throttle.admit(request, account=address.account, now=now)
    except errors.TooMany as refusal:
        response = _address_page(
            request,
            said,
            refusal=translate(language, "You have requested too many codes. Please wait a while and try again."),
            status_code=429,
        )
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
        return response
    code = await request.db.atomic(service.ask, request.user, address=address, now=now)
    return redirect(f"/sign-in/{code.code_id}?{urlencode({'next': next_page(said, MINE)})}")


@get(
    "/sign-in/{code_id:uuid}",
    operation_id="showSignInCode",
    opt=route(permission="sign-in", page=True, rate_limit="requests"),
    include_in_schema=False,
)
async def show_code(request: Request, code_id: FromPath[UUID]) -> Response[Any]:
    return _code_page(request, query_params(request))


def _code_page(request: Request, said: Mapping[str, str], *, fault: str = "", status_code: int = 200) -> Response[Any]:
    return render(
        request,
        "public/code.html",
        status_code=status_code,
        cache_control=NO_STORE,
        code=said.get("code", ""),
        next=next_page(said, MINE),
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
async def answer(request: Request, code_id: FromPath[UUID]) -> Response[Any]:
    said, language = await parse_form(request), language_for(request)
    code = "".join(said.get("code", "").split())
    if not re.fullmatch("[0-9]{6}", code):
        return _code_page(request, said, fault=translate(language, "Enter the six-digit code."), status_code=400)
    lasts = timedelta(hours=request.services.settings.session_hours)
    entered = await request.db.atomic(
        service.answer,
        request.user,
        code_id=code_id,
        code=code,
        customer_id=None,
        together=True,
        before=request.cookies.get(COOKIE),
        secret=request.services.secret_key,
        lasts=lasts,
        now=clock.now(),
    )
    if not isinstance(entered, service.Entered):
        wrong_code = PROBLEMS["wrong-code"].happened
        return _code_page(request, {**said, "code": ""}, fault=translate(language, wrong_code), status_code=401)
    await sign_in_throttle.succeeded(request, account=entered.address.account, now=clock.now())
    response = redirect(next_page(said, MINE))
    keep(response, entered.token, lasts)
    keep_people(response, request.services.secret_key, entered.token, entered.people, lasts)
    return response


@get(
    MINE,
    operation_id="showOwnAppointments",
    opt=route(permission="see-customers", page=True, narrows=True),
    include_in_schema=False,
)
async def mine(request: Request) -> Response[Any]:
    customer_id = request.user.customer_id
    if customer_id is None:  # the administrator
        return redirect("/staff")
    now, secret = clock.now(), request.services.secret_key
    customer, others = await customers.linked_customers(request.db, customer_id, people_of(request))
    visits = await appointments.visits_of_customers(
        request.db, customer_ids=[customer_id, *(other.id for other in others)], now=now, most=MOST_SHOWN
    )
    await audit.record(
        request.services.db,
        request.user,
        clinic_id=PLATFORM,
        subjects=[customer.id, *(visit.id for visit in visits)],
    )
    shown = [(visit, f"/appointments/{links.token(secret, visit.id)}") for visit in visits]
    return render(
        request,
        "public/my.html",
        cache_control=NO_STORE,
        customer=customer,
        others=others,
        coming=[each for each in shown if each[0].start_time >= now],
        past=[each for each in reversed(shown) if each[0].start_time < now],
        clinics={visit.slug or visit.clinic_id: visit.clinic for visit in visits if visit.active},
    )


@post(
    MINE,
    operation_id="becomeAnother",
    status_code=303,
    opt=route(permission="see-customers", page=True, narrows=True),
    include_in_schema=False,
)
async def become(request: Request) -> Response[Any]:
    """To what is held about another of those who share the address."""
    chosen, known, before = (
        parse_id((await parse_form(request)).get("customer")),
        people_of(request),
        request.cookies.get(COOKIE),
    )
    if request.user.customer_id is None or chosen is None or known is None or before is None:
        return redirect(MINE)
    now = clock.now()
    lasts = (
        known.since + timedelta(hours=request.services.settings.session_hours) - now
    )  # no longer than the code that was entered is good for
    if lasts <= timedelta():
        return redirect(MINE)
    token = await request.db.atomic(
        service.become, request.user, customer_id=chosen, known=known, before=before, lasts=lasts, now=now
    )
    response = redirect(MINE)
    keep(response, token, lasts)
    keep_people(response, request.services.secret_key, token, known, lasts)
    return response


PAGES: Final = [show, send, show_code, answer, mine, become]
