"""/api/payments/{paymentId}/receipt.pdf"""

from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import FromPath

from ...http.request import Request
from ...http.responses import pdf_response
from ...http.routes import route
from ...kit.ids import clinic_of
from . import service


class Receipts(Controller):
    tags = ["Payments"]

    @get(
        "/payments/{payment_id:uuid}/receipt/.pdf",
        operation_id="downloadReceipt",
        opt=route(permission="see-invoices", owned_by="payment_id", media_types=("application/pdf",)),
    )
    async def download(self, request: Request, payment_id: FromPath[UUID]) -> Response[bytes]:
        """Return the receipt for a payment as a PDF (PDF/A-3). It never changes. Payments from credit and goodwill have
        no receipt."""
        of_clinic = request.services.db.within(clinic_of(payment_id))
        pdf = await service.get_pdf(of_clinic, payment_id)
        return pdf_response(
            request, pdf.content, hash=pdf.hash, name=pdf.number, subjects=[payment_id, pdf.customer_id]
        )
