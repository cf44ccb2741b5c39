"""A payment's receipt, to show or print."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ....http.request import Request
from ....payments.documents.wording import receipt_sheet
from ....payments.payments import service
from ....payments.receipts import service as receipts
from ...rendering import redirect
from ...staff_frame import staff_page
from .parts import BILL, check_clinic


@get(
    "/staff/{clinic_id:int}/payments/{payment_id:uuid}/receipt",
    operation_id="showReceipt",
    opt=BILL,
    include_in_schema=False,
)
async def receipt(request: Request, clinic_id: FromPath[int], payment_id: FromPath[UUID]) -> Response[Any]:
    """Show a payment's receipt. For credit and goodwill, which have none, redirect to the payment itself."""
    check_clinic(clinic_id, payment_id)
    payment = await service.get(request.db, payment_id)
    if payment.receipt_number is None:
        return redirect(f"/staff/{clinic_id}/payments/{payment_id}")
    content = await receipts.get_receipt(request.services.db.within(clinic_id), payment_id)
    return await staff_page(
        request,
        "staff/money/receipt.html",
        clinic_id=clinic_id,
        place="till",
        subjects=[payment_id, payment.customer_id],
        content=receipt_sheet(content),
        payment_id=payment_id,
    )


PAGES: Final = [receipt]
