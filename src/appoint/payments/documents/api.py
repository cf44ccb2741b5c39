"""/api/invoices/{invoiceId}.pdf"""

from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import FromPath

from ...http.request import Request
from ...http.responses import pdf_response
from ...http.routes import route
from . import service


class InvoiceDocuments(Controller):
    tags = ["Invoices"]

    @get(
        "/invoices/{invoice_id:uuid}/.pdf",
        operation_id="downloadInvoice",
        opt=route(permission="see-invoices", owned_by="invoice_id", media_types=("application/pdf",)),
    )
    async def download(self, request: Request, invoice_id: FromPath[UUID]) -> Response[bytes]:
        """Return an issued invoice or credit note as a PDF (PDF/A-3). It never changes."""
        pdf = await service.get_pdf(request.db, invoice_id)
        return pdf_response(
            request, pdf.content, hash=pdf.hash, name=pdf.number, subjects=[invoice_id, pdf.customer_id]
        )
