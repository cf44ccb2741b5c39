"""A clinic's details on invoices: legal name, postal address, tax IDs and bank account."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST

from ....clinics.clinics import service as clinics
from ....http import decoding
from ....http.forms import parse_form, query_params
from ....http.languages import language_for
from ....http.request import Request
from ....http.routes import route
from ....kit import errors
from ....kit.i18n import lines, one_line
from ....payments.sellers import service
from ....payments.sellers.model import Seller
from ...rendering import redirect
from ...staff_frame import staff_page
from .parts import faults_by_path

PAGE: Final = "/staff/{clinic_id:int}/invoice-details"
MANAGE: Final = route(permission="manage", page=True)
FIELDS: Final = {
    "name": "name",
    "address": "address",
    "vatId": "vat_id",
    "taxNumber": "tax_number",
    "registration": "registration",
    "accountHolder": "account_holder",
    "iban": "iban",
    "bic": "bic",
}
"""The form's fields, and the members of the seller that they show."""


@get(PAGE, operation_id="showInvoiceDetails", opt=MANAGE, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    seller = await service.get(request.db, clinic_id)
    typed = {field: getattr(seller, member) or "" for field, member in FIELDS.items()}
    return await _page(request, clinic_id, typed)


@post(PAGE, operation_id="saveInvoiceDetailsByForm", status_code=HTTP_200_OK, opt=MANAGE, include_in_schema=False)
async def save(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Replace the clinic's details on invoices."""
    form = await parse_form(request)
    try:
        texts = {field: (lines if field == "address" else one_line)(form.get(field)) or None for field in FIELDS}
        content = decoding.convert(Seller, texts)
        await request.change(clinic_id, service.replace, request.user, clinic_id=clinic_id, content=content)
    except errors.Invalid as invalid:
        return await _page(request, clinic_id, form, invalid=invalid)
    return redirect(f"/staff/{clinic_id}/invoice-details?done=saved")


async def _page(
    request: Request, clinic_id: int, typed: Mapping[str, str], *, invalid: errors.Invalid | None = None
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/money/invoice_details.html",
        clinic_id=clinic_id,
        place="payment-rules",
        status_code=HTTP_400_BAD_REQUEST if invalid else HTTP_200_OK,
        subjects=[],
        clinic_content=await clinics.get(request.db, clinic_id),
        typed=typed,
        done=query_params(request).get("done") == "saved",
        faults=faults_by_path(invalid, language_for(request)) if invalid else {},
    )


PAGES: Final = [show, save]
