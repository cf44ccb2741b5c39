"""/api/invoices/{invoiceId}/payLink"""

from functools import partial
from uuid import UUID

from litestar import Controller, Response, delete, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ..checkout.gateway import Checkout
from ..invoices import service as invoices
from . import repository, service
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
        """Return a link that lets anyone view an invoice and pay it by card. It is always the same
        link until it is revoked."""
        create = partial(service.create, actor=request.user, invoice_id=invoice_id)
        invoice, replayed = await idempotent_resource(request, None, create, invoices.get)
        number = await repository.get_number(request.db, invoice_id)
        link = PayLink(request.services.get(Checkout).links.invoice_url(invoice_id, number), invoice.open)
        return json_response(request, link, headers=replay_headers(replayed))

    @delete(
        "/invoices/{invoice_id:uuid}/payLink",
        operation_id="revokePayLink",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="bill", problems=("invoice-draft",)),
    )
    async def revoke(self, request: Request, invoice_id: FromPath[UUID]) -> None:
        """Revoke an invoice's payment link, for example because it was sent to the wrong person. Later emails and
        requests for a link contain a new one."""
        await request.db.atomic(service.revoke, request.user, invoice_id=invoice_id)
