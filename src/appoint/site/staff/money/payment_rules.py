"""How the clinic charges: deposits, cancellations, no-shows, refunds, invoices and tax, for all types or for one."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST

from ....clinics.appointment_types import service as appointment_types
from ....clinics.clinics import service as clinics
from ....clinics.clinics.model import Clinic
from ....http.forms import parse_form, query_params
from ....http.languages import language_for, language_tag_for
from ....http.request import Request
from ....http.routes import route
from ....kit import errors
from ....payments.checkout.gateway import Checkout
from ....payments.policies import service
from ....payments.policies.model import PaymentPolicyContent
from ...rendering import redirect
from ...staff_frame import staff_page
from .parts import check_clinic, faults_by_path
from .rules_form import content_of, rows_in, typed_rules

PAGE: Final = "/staff/{clinic_id:int}/payment-rules"
MANAGE: Final = route(permission="manage", page=True)
CLINIC_ONLY: Final = (
    "payment_terms_days", "mails_invoices", "series", "retain_invoices_years", "prices_include_tax",
    "fee_tax_category", "fee_tax_rate",
)  # fmt: skip
"""The members that a type's form leaves out."""


@get(PAGE, operation_id="showPaymentRules", opt=MANAGE, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await _page(request, clinic_id, None)


@post(PAGE, operation_id="savePaymentRulesByForm", status_code=HTTP_200_OK, opt=MANAGE, include_in_schema=False)
async def save(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Replace the clinic's payment policy."""
    return await _save(request, clinic_id, None)


@get(f"{PAGE}/{{type_id:uuid}}", operation_id="showPaymentRulesOfType", opt=MANAGE, include_in_schema=False)
async def show_of_type(request: Request, clinic_id: FromPath[int], type_id: FromPath[UUID]) -> Response[Any]:
    return await _page(request, clinic_id, type_id)


@post(
    f"{PAGE}/{{type_id:uuid}}",
    operation_id="savePaymentRulesOfTypeByForm",
    status_code=HTTP_200_OK,
    opt=MANAGE,
    include_in_schema=False,
)
async def save_of_type(request: Request, clinic_id: FromPath[int], type_id: FromPath[UUID]) -> Response[Any]:
    """Replace what differs from the clinic's payment policy for one appointment type."""
    return await _save(request, clinic_id, type_id)


async def _save(request: Request, clinic_id: int, type_id: UUID | None) -> Response[Any]:
    form, clinic = await parse_form(request), await clinics.get(request.db, clinic_id)
    if type_id:
        check_clinic(clinic_id, type_id)
    try:
        content = content_of(form, clinic.currency, language_tag_for(request, clinic.time_zone))
        if type_id:  # the form for a type leaves some members out
            stated = await service.get_stated(request.db, clinic_id, type_id)
            content = msgspec.structs.replace(content, **{name: getattr(stated, name) for name in CLINIC_ONLY})
        await request.change(
            clinic_id, service.replace, request.user, clinic_id=clinic_id, type_id=type_id, content=content
        )
    except errors.Invalid as invalid:
        return await _page(request, clinic_id, type_id, form=form, invalid=invalid)
    return redirect(f"/staff/{clinic_id}/payment-rules{f'/{type_id}' if type_id else ''}?done=saved")


async def _page(
    request: Request,
    clinic_id: int,
    type_id: UUID | None,
    *,
    form: Mapping[str, str] | None = None,
    invalid: errors.Invalid | None = None,
) -> Response[Any]:
    if type_id:
        check_clinic(clinic_id, type_id)
    clinic = await clinics.get(request.db, clinic_id)
    types = await appointment_types.list_types(request.db, clinic_id)
    content = await service.get_stated(request.db, clinic_id, type_id)
    typed = form or typed_rules(content, clinic.currency, language_tag_for(request, clinic.time_zone))
    return await staff_page(
        request,
        "staff/money/payment_rules.html",
        clinic_id=clinic_id,
        place="payment-rules",
        status_code=HTTP_400_BAD_REQUEST if invalid else HTTP_200_OK,
        subjects=[],
        type=next((type for type in types if type.id == type_id), None)
        or (await appointment_types.get(request.db, type_id) if type_id else None),
        types=types,
        typed=typed,
        rules=rows_in(typed),
        policy=await service.get_policy(request.db, clinic_id, type_id=type_id),
        lacks_provider=await _lacks_provider(request, clinic, content),
        done=query_params(request).get("done") == "saved",
        faults=faults_by_path(invalid, language_for(request)) if invalid else {},
    )


async def _lacks_provider(request: Request, clinic: Clinic, content: PaymentPolicyContent) -> bool:
    """Return whether a deposit could not be paid, because no payment provider is configured."""
    if request.services.get(Checkout).gateway is not None:
        return False
    return any((content.deposit_amount, content.deposit_percent)) or await service.has_deposits(
        request.db, clinic_id=clinic.id
    )


PAGES: Final = [show, save, show_of_type, save_of_type]
