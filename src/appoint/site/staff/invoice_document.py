"""An issued invoice or credit note as its recipient sees it, for staff."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...http.request import Request
from ...http.routes import route
from ...kit import errors
from ...kit.ids import clinic_of
from ..invoice_page import load_invoice
from ..staff_frame import staff_page


@get(
    "/staff/{clinic_id:int}/invoices/{invoice_id:uuid}/document",
    operation_id="showInvoiceDocument",
    opt=route(permission="bill", page=True),
    include_in_schema=False,
)
async def invoice_document(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    """Show an issued invoice or credit note as a document."""
    if clinic_of(invoice_id) != clinic_id:
        raise errors.NotFound
    invoice, content = await load_invoice(request.db, invoice_id)
    return await staff_page(
        request,
        "staff/invoices/document.html",
        clinic_id=clinic_id,
        place="invoices",
        subjects=[invoice_id, invoice.customer_id],
        invoice=invoice,
        content=content,
    )


PAGES: Final = [invoice_document]
