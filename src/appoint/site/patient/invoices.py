"""A signed-in patient's invoices. Works without JavaScript."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ... import audit
from ...http.request import Request
from ...http.routes import route
from ...kit.ids import PLATFORM, clinic_of
from ...payments.checkout.gateway import Checkout
from ...payments.invoices import service
from ...payments.pay_links import service as pay_links
from ...payments.payments import service as payments
from ..invoice_page import load_invoice
from ..rendering import NO_STORE, allow_form_target, redirect, render

MY_INVOICES: Final = "/my/invoices"


@get(
    MY_INVOICES,
    operation_id="listOwnInvoices",
    opt=route(permission="see-customers", page=True, narrows=True),
    include_in_schema=False,
)
async def own_invoices(request: Request) -> Response[Any]:
    """List the patient's invoices at all clinics, unpaid ones first, and their credit."""
    customer_id = request.user.customer_id
    if customer_id is None:  # the caller is the administrator
        return redirect("/staff")
    own = await service.list_of_customer(request.db, customer_id)
    subjects = [customer_id, *(each.invoice.id for each in own)]
    await audit.record(request.services.db, request.user, clinic_id=PLATFORM, subjects=subjects)
    links = request.services.get(Checkout).links
    numbers = await pay_links.load_numbers(request.db, [each.invoice.id for each in own if not each.invoice.settled])
    return render(
        request,
        "patient/invoices.html",
        cache_control=NO_STORE,
        unpaid=[(each, links.invoice_path(id, numbers[id])) for each in own if (id := each.invoice.id) in numbers],
        settled=[each for each in own if each.invoice.settled],
        credits=await payments.sum_own_credit(request.db, customer_id),
    )


@get(
    MY_INVOICES + "/{invoice_id:uuid}",
    operation_id="showOwnInvoice",
    opt=route(permission="see-invoices", owned_by="invoice_id", page=True),
    include_in_schema=False,
)
async def own_invoice(request: Request, invoice_id: FromPath[UUID]) -> Response[Any]:
    """Show the text of an issued invoice or credit note, and whether it has been paid."""
    invoice, content = await load_invoice(request.db, invoice_id)
    await audit.record(
        request.services.db,
        request.user,
        clinic_id=clinic_of(invoice_id),
        subjects=[invoice_id, invoice.customer_id],
    )
    checkout = request.services.get(Checkout)
    number = await pay_links.get_number(request.db, invoice_id)
    page = render(
        request,
        "patient/invoice.html",
        cache_control=NO_STORE,
        invoice=invoice,
        content=content,
        pdf=f"/api/invoices/{invoice_id}.pdf",
        pay="" if invoice.settled or checkout.gateway is None else checkout.links.invoice_path(invoice_id, number),
        is_away=False,
    )
    return allow_form_target(page, "https:")


PAGES: Final = [own_invoices, own_invoice]
