"""What a patient's page and the board's panel say about money."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from ....clinics.clinics import service as clinics
from ....http.request import Request
from ....kit import clock
from ....kit.money import Money
from ....kit.permissions import widest_grant
from ....payments.invoices.model import Invoice
from ....payments.payments import spending
from ....payments.totals import service as totals

MAX_INVOICES: Final = 5


class PatientAccount(NamedTuple):
    """A patient's account at a clinic."""

    owed: Sequence[Money]
    left: Sequence[Money]
    """The remainder of credit and earlier payments."""
    invoices: Sequence[Invoice]
    """The latest invoices that are drafts or still open."""
    today: date


async def load_account(request: Request, clinic_id: int, patient_id: UUID) -> PatientAccount | None:
    """Return a patient's account, or None if the user may not see it."""
    if widest_grant(request.user, "bill", clinic_id) is None:
        return None
    db, clinic = request.db, await clinics.get(request.db, clinic_id)
    today = clock.local_date(clock.now(), clinic.time_zone)
    sums = await totals.sum_up_invoices(db, clinic_id=clinic_id, customer_id=patient_id, today=today)
    unspent = await spending.list_unspent(db, clinic_id=clinic_id, customer_id=patient_id)
    unfinished: list[Invoice] = []
    for status in ("draft", "open"):
        unfinished += await totals.list_invoices(
            db, clinic_id=clinic_id, customer_id=patient_id, status=status, today=today, limit=MAX_INVOICES
        )
    return PatientAccount(
        owed=[each.open for each in sums if each.open_amount],
        left=totals.sum_up(payment.free for payment in unspent),
        invoices=[invoice for invoice in unfinished if invoice.kind == "invoice"],
        today=today,
    )
