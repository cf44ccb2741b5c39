"""A signed-in patient's own details: correct them, or erase them. Works without JavaScript."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from ... import audit
from ...customers import service as customers
from ...customers.model import Customer, CustomerPatch
from ...http import decoding
from ...http.cookies import delete_session_cookie
from ...http.forms import parse_form
from ...http.languages import language_for, language_names
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.i18n import one_line, translate
from ...kit.ids import PLATFORM
from ...oversight.privacy import service as privacy
from ..rendering import NO_STORE, faults_by_field, redirect, render
from .my_appointments import MY_APPOINTMENTS

DETAILS: Final = "/my/details"
ERASE: Final = "/my/erase"
STAFF: Final = "/staff"
FIELDS: Final = {"name": "name", "email": "email", "phone": "phone", "birthDate": "birth_date", "locale": "locale"}
"""The form's fields, and the customer's members that they show."""
OWN: Final = route(permission="change-customers", page=True, narrows=True)
ERASING: Final = route(permission="change-customers", page=True, narrows=True, recent_proof=True)


@get(DETAILS, operation_id="showOwnDetails", opt=OWN, include_in_schema=False)
async def show_details(request: Request) -> Response[Any]:
    customer_id = request.user.customer_id
    if customer_id is None:  # the administrator
        return redirect(STAFF)
    customer = await customers.get(request.db, customer_id)
    await audit.record(request.services.db, request.user, clinic_id=PLATFORM, subjects=[customer.id])
    return _details_page(request, customer, _typed(customer))


def _typed(customer: Customer) -> dict[str, str]:
    values = msgspec.structs.asdict(customer)
    return {field: str(values[member] or "") for field, member in FIELDS.items()} | {"version": str(customer.version)}


def _details_page(
    request: Request,
    customer: Customer,
    typed: Mapping[str, str],
    *,
    faults: Mapping[str, str] | None = None,
    changed_meanwhile: bool = False,
    status_code: int = 200,
) -> Response[Any]:
    return render(
        request,
        "public/own_details.html",
        status_code=status_code,
        cache_control=NO_STORE,
        customer=customer,
        typed=dict.fromkeys(FIELDS, "") | dict(typed),
        faults=dict.fromkeys(FIELDS, "") | dict(faults or {}),
        names=list(language_names(request).items()),
        changed_meanwhile=changed_meanwhile,
    )


@post(DETAILS, operation_id="changeOwnDetails", status_code=303, opt=OWN, include_in_schema=False)
async def change_details(request: Request) -> Response[Any]:
    """Save what the patient has corrected. Fields that are left empty are deleted."""
    customer_id, fields = request.user.customer_id, await parse_form(request)
    if customer_id is None:
        return redirect(STAFF)
    try:
        await request.db.atomic(
            customers.change,
            request.user,
            customer_id=customer_id,
            change=_read_patch(fields),
            if_match=f'"v{fields.get("version", "")}"',
            now=clock.now(),
        )
    except errors.Invalid as invalid:
        customer = await customers.get(request.db, customer_id)
        faults = faults_by_field(invalid, language_for(request))
        return _details_page(request, customer, fields, faults=faults, status_code=400)
    except errors.VersionMismatch:
        customer = await customers.get(request.db, customer_id)
        return _details_page(request, customer, _typed(customer), changed_meanwhile=True, status_code=412)
    return redirect(f"{MY_APPOINTMENTS}?saved=1")


def _read_patch(fields: Mapping[str, str]) -> CustomerPatch:
    body = {field: one_line(fields.get(field)) or None for field in FIELDS}
    patch = decoding.convert(CustomerPatch, {**body, "name": body["name"] or ""})
    if not (body["email"] or body["phone"]):
        raise errors.Invalid(errors.Fault("#/email", "is required unless you enter a phone number"))
    return patch


@get(ERASE, operation_id="showErasure", opt=ERASING, include_in_schema=False)
async def show_erasure(request: Request) -> Response[Any]:
    """Show what an erasure deletes and what clinics keep."""
    customer_id = request.user.customer_id
    return await _erasure_page(request, customer_id) if customer_id else redirect(STAFF)


async def _erasure_page(
    request: Request, customer_id: UUID, *, refusal: str = "", status_code: int = 200
) -> Response[Any]:
    customer, now = await customers.get(request.db, customer_id), clock.now()
    await audit.record(request.services.db, request.user, clinic_id=PLATFORM, subjects=[customer.id])
    return render(
        request,
        "public/erase.html",
        status_code=status_code,
        cache_control=NO_STORE,
        customer=customer,
        retained=await privacy.list_retained(request.db, customer_id=customer.id, now=now),
        refusal=refusal,
    )


@post(ERASE, operation_id="eraseOneself", status_code=200, opt=ERASING, include_in_schema=False)
async def erase(request: Request) -> Response[Any]:
    """Erase the patient's own data, and sign them out."""
    customer_id, fields, now = request.user.customer_id, await parse_form(request), clock.now()
    if customer_id is None:
        return redirect(STAFF)
    if not fields.get("sure"):
        return redirect(ERASE)
    try:
        erasure = await request.db.atomic(privacy.erase, request.user, customer_id=customer_id, now=now)
    except errors.Conflict as conflict:
        problem, language = PROBLEMS[conflict.type], language_for(request)
        text = translate(language, problem.happened, **conflict.facts)
        return await _erasure_page(request, customer_id, refusal=text, status_code=problem.status)
    response = render(request, "public/erased.html", cache_control=NO_STORE, retained=erasure.retained)
    delete_session_cookie(response)
    return response


PAGES: Final = [show_details, change_details, show_erasure, erase]
