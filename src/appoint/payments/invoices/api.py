"""/api/clinics/{clinicId}/invoices and /api/invoices"""

from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...clinics.clinics import service as clinics
from ...http.pagination import cursor_after
from ...http.request import Request
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import created_response, json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from . import corrections, repository, service
from .model import CreditNoteContent, Invoice, InvoiceContent, InvoiceFilter, InvoicePatch

COUPONS = ("coupon-not-valid", "coupon-spent")


class Invoices(Controller):
    """What patients owe a clinic. An issued invoice never changes; a credit note corrects it."""

    tags = ["Invoices"]

    @get("/clinics/{clinic_id:int}/invoices", operation_id="listInvoices", opt=route(permission="bill"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: InvoiceFilter) -> Response[Page[Invoice]]:
        """List a clinic's invoices and credit notes, newest first."""
        clinic = await clinics.get(request.db, clinic_id)
        invoices = await repository.list_invoices(
            request.db,
            clinic_id,
            customer_id=query.customer_id,
            status=query.status,
            first_day=query.from_date,
            last_day=query.until_date,
            today=clock.local_date(clock.now(), clinic.time_zone),
            after=cursor_after(request, query, tuple[UUID]),
            limit=query.limit,
        )
        return resource_page(request, query, invoices)

    @post(
        "/clinics/{clinic_id:int}/invoices",
        operation_id="createInvoice",
        opt=route(permission="bill", problems=("clinic-inactive", *COUPONS)),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[InvoiceContent]
    ) -> Response[Invoice]:
        """Draft an invoice for one of the clinic's patients."""
        invoice, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.draft(tx, request.user, clinic_id=clinic_id, content=data, now=clock.now()),
            service.get,
        )
        return created_response(request, invoice, f"/api/invoices/{invoice.id}", replayed=replayed)

    @get("/invoices/{invoice_id:uuid}", operation_id="getInvoice", opt=route(permission="bill"))
    async def get(self, request: Request, invoice_id: FromPath[UUID]) -> Response[Invoice]:
        """Return an invoice or credit note."""
        invoice = await service.get(request.db, invoice_id)
        return json_response(request, invoice, subjects=[invoice_id, invoice.customer_id])

    @patch(
        "/invoices/{invoice_id:uuid}",
        operation_id="patchInvoice",
        opt=route(permission="bill", problems=("invoice-issued", *COUPONS)),
    )
    async def patch(
        self, request: Request, invoice_id: FromPath[UUID], data: JSONBody[InvoicePatch]
    ) -> Response[Invoice]:
        """Change a draft (JSON merge patch)."""
        invoice = await request.db.atomic(
            service.change, request.user, invoice_id=invoice_id, patch=data, if_match=request.if_match, now=clock.now()
        )
        return json_response(request, invoice)

    @delete(
        "/invoices/{invoice_id:uuid}",
        operation_id="deleteInvoice",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="bill", problems=("invoice-issued",)),
    )
    async def delete(self, request: Request, invoice_id: FromPath[UUID]) -> None:
        """Delete a draft. Its coupons can be used again."""
        await request.db.atomic(
            service.delete, request.user, invoice_id=invoice_id, if_match=request.if_match, now=clock.now()
        )

    @post(
        "/invoices/{invoice_id:uuid}/issue",
        operation_id="issueInvoice",
        status_code=200,
        opt=route(permission="bill", problems=("invoice-issued",)),
    )
    async def issue(self, request: Request, invoice_id: FromPath[UUID]) -> Response[Invoice]:
        """Issue a draft: give it its number, and make it final."""
        invoice, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: service.issue(
                tx, request.user, invoice_id=invoice_id, if_match=request.if_match, now=clock.now()
            ),
            service.get,
        )
        return json_response(request, invoice, headers=replay_headers(replayed))

    @post(
        "/invoices/{invoice_id:uuid}/creditNote",
        operation_id="correctInvoice",
        opt=route(permission="refund", problems=("invoice-draft", "not-enough", *COUPONS)),
    )
    async def correct(
        self, request: Request, invoice_id: FromPath[UUID], data: JSONBody[CreditNoteContent]
    ) -> Response[Invoice]:
        """Issue a credit note that takes back part of an invoice, or all of it. If that part was paid already, the
        payments are free to be refunded or to pay other invoices."""
        note, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: corrections.correct(
                tx, request.user, invoice_id=invoice_id, content=data, if_match=request.if_match, now=clock.now()
            ),
            service.get,
        )
        return created_response(request, note, f"/api/invoices/{note.id}", replayed=replayed)
