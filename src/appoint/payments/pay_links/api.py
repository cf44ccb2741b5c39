"""/api/invoices/{invoiceId}/payLink"""

from functools import partial
from uuid import UUID

from litestar import Controller, Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ..checkout.gateway import Checkout
from ..invoices import service as invoices
from . import service
from .model import PayLink


class PayLinks(Controller):
    tags = ["Invoices"]

    @post(
        "/invoices/{invoice_id:uuid}/payLink",
        operation_id="createPayLink",
        status_code=HTTP_200_OK,
        opt=route(permission="bill", problems=("invoice-draft", "invoice-paid")),
    )
    async def create(self, request: Request, invoice_id: FromPath[UUID]) -> Response[PayLink]:
        """Return a link that lets anyone view an invoice and pay it by card. The link never changes, and works until
        the invoice is deleted."""
        create = partial(service.create, actor=request.user, invoice_id=invoice_id)
        invoice, replayed = await idempotent_resource(request, None, create, invoices.get)
        link = PayLink(request.services.get(Checkout).links.invoice_url(invoice_id), invoice.open)
        return json_response(request, link, headers=replay_headers(replayed))
