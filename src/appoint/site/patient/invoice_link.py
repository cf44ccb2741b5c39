"""The page where anyone with an invoice's link can view, download and pay it. Works without JavaScript."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from ... import audit
from ...database.pool import Database
from ...http.request import Request
from ...http.responses import pdf_response
from ...http.routes import route
from ...kit import clock, errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ...payments.checkout.currencies import UnsupportedAmount
from ...payments.checkout.gateway import Checkout
from ...payments.checkout.model import GatewayRefusal, GatewayUnavailable
from ...payments.documents import service as documents
from ...payments.pay_links import service
from ..invoice_page import load_invoice
from ..rendering import NO_STORE, allow_form_target, redirect, render

PUBLIC: Final = route(permission="public", page=True)
PAGE: Final = "/invoices/{token:str}"
PDF_FILE: Final = "invoice.pdf"


@get(PAGE, operation_id="showInvoiceByLink", opt=PUBLIC, include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[Any]:
    """Show an invoice, and what is left to pay."""
    return await _page(request, token)


@post(PAGE, operation_id="payInvoice", status_code=303, opt=PUBLIC, include_in_schema=False)
async def pay(request: Request, token: FromPath[str]) -> Response[Any]:
    """Send the payer to the payment provider's page."""
    checkout = request.services.get(Checkout)
    actor = Actor("gateway", address=request.user.address, operation="payInvoice")
    try:
        url = await service.open_page(
            request.services.db.across(),
            checkout.expect_gateway(),
            actor,
            invoice_id=await _invoice_of(request, token),
            links=checkout.links,
            now=clock.now(),
        )
    except errors.Conflict:  # it has been paid since the page was opened
        return redirect(request.scope["path"])
    except (errors.Unavailable, GatewayUnavailable, GatewayRefusal, UnsupportedAmount):
        return await _page(request, token, is_away=True)
    return redirect(url)


@get(f"{PAGE}/{PDF_FILE}", operation_id="downloadInvoiceByLink", opt=PUBLIC, include_in_schema=False)
async def download(request: Request, token: FromPath[str]) -> Response[Any]:
    invoice_id = await _invoice_of(request, token)
    pdf = await documents.get_pdf(_database(request, invoice_id), invoice_id)
    subjects = [invoice_id, pdf.customer_id]
    response = pdf_response(request, pdf.content, hash=pdf.hash, name=pdf.number, subjects=subjects)
    response.headers["Cache-Control"] = NO_STORE
    return response


async def _invoice_of(request: Request, token: str) -> UUID:
    """Return a link's invoice, or raise `NotFound`."""
    return await service.find_invoice(request.services.db, request.services.get(Checkout).links, token)


def _database(request: Request, invoice_id: UUID) -> Database:
    return request.services.db.within(clinic_of(invoice_id))


async def _page(request: Request, token: str, *, is_away: bool = False) -> Response[Any]:
    invoice_id = await _invoice_of(request, token)
    invoice, content = await load_invoice(_database(request, invoice_id), invoice_id)
    subjects = [invoice_id, invoice.customer_id]
    await audit.record(request.services.db, request.user, clinic_id=invoice.clinic_id, subjects=subjects)
    page = render(
        request,
        "patient/invoice.html",
        status_code=503 if is_away else 200,
        cache_control=NO_STORE,
        invoice=invoice,
        content=content,
        pdf=f"{request.scope['path']}/{PDF_FILE}",
        pay="" if invoice.settled or request.services.get(Checkout).gateway is None else request.scope["path"],
        is_away=is_away,
    )
    return allow_form_target(page, "https:")


PAGES: Final = [show, pay, download]
