"""A signed-in patient's own details: correct them, or erase them. Works without JavaScript."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from ... import audit
from ...customers import service as customers
from ...customers.corrections import service as corrections
from ...customers.details import new_addresses
from ...customers.model import Customer, CustomerPatch
from ...http import decoding
from ...http.access import check_proof, has_recent_proof
from ...http.cookies import delete_session_cookie
from ...http.forms import parse_form, parse_id
from ...http.languages import language_for, language_names, region_names, remember_choices, typed_iso_date
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...identity.address_changes import service as address_changes
from ...kit import clock, errors
from ...kit.i18n import lines, one_line, translate
from ...kit.ids import PLATFORM
from ...kit.regions import is_country
from ...messaging.channels.model import Channel
from ...oversight.privacy import service as privacy
from ...payments.retention.service import list_retentions
from ..rendering import NO_STORE, faults_by_field, redirect, render
from .my_appointments import MY_APPOINTMENTS

DETAILS: Final = "/my/details"
CONFIRM: Final = "/my/details/confirm"
SAVED_PAGE: Final = f"{MY_APPOINTMENTS}?saved=1"
ERASE: Final = "/my/erase"
STAFF: Final = "/staff"
FIELDS: Final = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "birthDate": "birth_date",
    "postalAddress": "postal_address",
    "locale": "locale",
    "region": "region",
}
"""The form's fields, and the members of the customer that they show."""
OWN_DATA: Final = route(permission="change-customers", page=True, narrows=True)
ERASING: Final = route(permission="change-customers", page=True, narrows=True, recent_proof=True)


@get(DETAILS, operation_id="showOwnDetails", opt=OWN_DATA, include_in_schema=False)
async def show_details(request: Request) -> Response[Any]:
    customer_id = request.user.customer_id
    if customer_id is None:  # the administrator
        return redirect(STAFF)
    customer = await customers.get(request.db, customer_id)
    await audit.record(request.services.db, request.user, clinic_id=PLATFORM, subjects=[customer.id])
    return await _details_page(request, customer, _typed(customer))


def _typed(customer: Customer) -> dict[str, str]:
    values = msgspec.structs.asdict(customer)
    return {field: str(values[member] or "") for field, member in FIELDS.items()} | {"version": str(customer.version)}


async def _details_page(
    request: Request,
    customer: Customer,
    typed: Mapping[str, str],
    *,
    faults: Mapping[str, str] | None = None,
    changed_meanwhile: bool = False,
    proof_missing: bool = False,
    status_code: int = 200,
) -> Response[Any]:
    return render(
        request,
        "patient/own_details.html",
        status_code=status_code,
        cache_control=NO_STORE,
        customer=customer,
        typed=dict.fromkeys(FIELDS, "") | dict(typed),
        faults=dict.fromkeys(FIELDS, "") | dict(faults or {}),
        names=list(language_names(request).items()),
        region_names=region_names(request),
        clinics=await corrections.list_clinics(request.db, customer.id),
        changed_meanwhile=changed_meanwhile,
        proof_missing=proof_missing,
        needs_proof=not has_recent_proof(request.user, now=clock.now()),
        sign_in=f"/sign-in?next={DETAILS}",
    )


@post(DETAILS, operation_id="changeOwnDetails", status_code=303, opt=OWN_DATA, include_in_schema=False)
async def change_details(request: Request) -> Response[Any]:
    """Save what the patient has corrected. Fields that are left empty are deleted. A code is sent to a new address,
    which applies once the patient has entered the code. To change or delete an address, they must have signed in
    recently."""
    customer_id, fields = request.user.customer_id, await parse_form(request)
    if customer_id is None:
        return redirect(STAFF)
    region = fields.get("region") if is_country(fields.get("region", "")) else None
    try:
        patch, addresses = _without_new_addresses(
            await customers.get(request.db, customer_id), _read_patch(request, fields)
        )
        if addresses:
            check_proof(request.user, now=clock.now())
        await request.services.limits.count_recipients(request.user, tuple(addresses.values()))
        await request.db.atomic(
            customers.change_own,
            request.user,
            customer_id=customer_id,
            patch=patch,
            region=region,
            if_match=f'"v{fields.get("version", "")}"',
            now=clock.now(),
        )
        for channel, address in addresses.items():
            await request.db.atomic(
                address_changes.send_code,
                request.user,
                customer_id=customer_id,
                channel=channel,
                address=address,
                locale=language_for(request),
                now=clock.now(),
            )
    except errors.Invalid as invalid:
        customer = await customers.get(request.db, customer_id)
        faults = faults_by_field(invalid, language_for(request))
        return await _details_page(request, customer, fields, faults=faults, status_code=400)
    except errors.Forbidden as refusal:
        if refusal.type != "proof-required":
            raise
        customer = await customers.get(request.db, customer_id)
        return await _details_page(request, customer, fields, proof_missing=True, status_code=403)
    except errors.VersionMismatch:
        customer = await customers.get(request.db, customer_id)
        return await _details_page(request, customer, _typed(customer), changed_meanwhile=True, status_code=412)
    response = redirect(CONFIRM if addresses else SAVED_PAGE)
    remember_choices(response, patch.locale or None, region)
    return response


def _without_new_addresses(customer: Customer, patch: CustomerPatch) -> tuple[CustomerPatch, Mapping[Channel, str]]:
    """Split a patch into what can be saved at once and the new addresses, which need a code."""
    content = customers.content_after_own_change(customer, patch, now=clock.now())
    addresses = new_addresses(customer, content)
    if "email" in addresses:
        patch = msgspec.structs.replace(patch, email=customer.email)
    if "sms" in addresses:
        patch = msgspec.structs.replace(patch, phone=customer.phone)
    return patch, addresses


@get(CONFIRM, operation_id="showOwnAddressCodes", opt=OWN_DATA, include_in_schema=False)
async def show_codes(request: Request) -> Response[Any]:
    """Ask for the codes sent to the patient's new addresses."""
    customer_id = request.user.customer_id
    return await _codes_page(request, customer_id) if customer_id else redirect(STAFF)


async def _codes_page(
    request: Request, customer_id: UUID, *, wrong_code_id: UUID | None = None, status_code: int = 200
) -> Response[Any]:
    pending = await address_changes.list_pending(request.db, customer_id=customer_id, now=clock.now())
    if not pending and wrong_code_id is None:
        return redirect(DETAILS)
    await audit.record(request.services.db, request.user, clinic_id=PLATFORM, subjects=[customer_id])
    return render(
        request,
        "patient/own_address_codes.html",
        status_code=status_code,
        cache_control=NO_STORE,
        pending=pending,
        wrong_code_id=wrong_code_id,
        development=request.services.settings.mode == "development",
    )


@post(CONFIRM, operation_id="confirmOwnAddress", status_code=303, opt=OWN_DATA, include_in_schema=False)
async def confirm_address(request: Request) -> Response[Any]:
    """Change the address to the one that the code was sent to."""
    customer_id, fields = request.user.customer_id, await parse_form(request)
    code_id = parse_id(fields.get("id"))
    if customer_id is None or code_id is None:
        return redirect(DETAILS)
    confirmed = await request.db.atomic(
        address_changes.confirm,
        request.user,
        customer_id=customer_id,
        code_id=code_id,
        code="".join((fields.get("code-email") or fields.get("code-sms") or "").split()),
        secret=request.services.secret_key,
        now=clock.now(),
    )
    if not confirmed:
        return await _codes_page(request, customer_id, wrong_code_id=code_id, status_code=400)
    pending = await address_changes.list_pending(request.db, customer_id=customer_id, now=clock.now())
    return redirect(CONFIRM if pending else SAVED_PAGE)


def _read_patch(request: Request, fields: Mapping[str, str]) -> CustomerPatch:
    body = {field: one_line(fields.get(field)) or None for field in FIELDS if field != "region"}
    body["postalAddress"] = lines(fields.get("postalAddress")) or None
    body["birthDate"] = typed_iso_date(request, body["birthDate"]) or None
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
        "patient/erase.html",
        status_code=status_code,
        cache_control=NO_STORE,
        customer=customer,
        retained=await privacy.list_retained(request.db, customer_id=customer.id, now=now),
        invoice_retentions=await list_retentions(request.db, customer_id=customer_id),
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
    response = render(request, "patient/erased.html", cache_control=NO_STORE, retained=erasure.retained)
    delete_session_cookie(response)
    return response


PAGES: Final = [show_details, change_details, show_codes, confirm_address, show_erasure, erase]
