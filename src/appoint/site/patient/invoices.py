"""A signed-in patient's invoices. Works without JavaScript."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ... import audit
from ...http.request import Request
from ...http.routes import route
from ...kit.ids import clinic_of
from ..invoice_page import load_invoice
from ..rendering import NO_STORE, render

MY_INVOICES: Final = "/my/invoices"


@get(
    MY_INVOICES + "/{invoice_id:uuid}",
    operation_id="showOwnInvoice",
    opt=route(permission="see-invoices", owned_by="invoice_id", page=True),
    include_in_schema=False,
)
async def own_invoice(request: Request, invoice_id: FromPath[UUID]) -> Response[Any]:
    """Show an issued invoice or credit note as its document says it, and whether it is paid."""
    invoice, content = await load_invoice(request.db, invoice_id)
    await audit.record(
        request.services.db,
        request.user,
        clinic_id=clinic_of(invoice_id),
        subjects=[invoice_id, invoice.customer_id],
    )
    return render(request, "patient/invoice.html", cache_control=NO_STORE, invoice=invoice, content=content)


PAGES: Final = [own_invoice]
