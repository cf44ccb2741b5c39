"""Where the clinic's books differ from the payment provider's, and what to do about it."""

from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath

from ....http.request import Request
from ....payments.checkout import reconciliation
from ....payments.checkout.gateway import Checkout
from ...staff_frame import staff_page
from .parts import REFUND

MAX_DIFFERENCES: Final = 100


@get("/staff/{clinic_id:int}/payment-differences", operation_id="showDrifts", opt=REFUND, include_in_schema=False)
async def differences(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the differences that the hourly comparison has found, unresolved ones first."""
    drifts = await reconciliation.list_drifts(request.db, clinic_id=clinic_id, limit=MAX_DIFFERENCES)
    return await staff_page(
        request,
        "staff/money/differences.html",
        clinic_id=clinic_id,
        place="payment-differences",
        subjects=[drift.payment_id for drift in drifts if drift.payment_id],
        unresolved=[drift for drift in drifts if drift.resolved_at is None],
        resolved=[drift for drift in drifts if drift.resolved_at],
        has_provider=request.services.get(Checkout).gateway is not None,
    )


PAGES: Final = [differences]
