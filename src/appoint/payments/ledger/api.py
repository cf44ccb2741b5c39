"""/api/clinics/{clinicId}/ledger"""

import csv
import io
from datetime import datetime
from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import FromPath

from ...clinics.clinics import service as clinics
from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.responses import Disclosure
from ...http.routes import route
from ...kit.structs import Page
from . import repository
from .model import LedgerFilter, LedgerRange, Transfer

MAX_EXPORTED = 1_000_000
"""The maximum number of transfers in one file."""
COLUMNS = (
    "createdAt", "rule", "debit", "credit", "currency", "amount", "stage", "customerId", "invoiceId", "paymentId",
    "refundId", "reference", "id",
)  # fmt: skip


class Ledger(Controller):
    """A clinic's books: transfers from one account to another, which balance by construction."""

    tags = ["Ledger"]

    @get("/clinics/{clinic_id:int}/ledger", operation_id="listTransfers", opt=route(permission="refund"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: LedgerFilter) -> Response[Page[Transfer]]:
        """List a clinic's transfers on a range of days, oldest first."""
        await clinics.get(request.db, clinic_id)
        transfers = await repository.list_transfers(
            request.db,
            clinic_id,
            first_day=query.from_date,
            last_day=query.until_date,
            after=cursor_after(request, query, tuple[datetime, UUID]),
            limit=query.limit,
        )
        return page_response(
            request, query, transfers, lambda each: (each.created_at, each.id), subject=lambda each: each.id
        )

    @get(
        "/clinics/{clinic_id:int}/ledger.csv",
        operation_id="exportLedger",
        opt=route(permission="refund", media_types=("text/csv",)),
    )
    async def export(self, request: Request, clinic_id: FromPath[int], query: LedgerRange) -> Response[str]:
        """Return a clinic's transfers on a range of days as CSV (RFC 4180), oldest first."""
        await clinics.get(request.db, clinic_id)
        transfers = await repository.list_transfers(
            request.db, clinic_id, first_day=query.from_date, last_day=query.until_date, after=None, limit=MAX_EXPORTED
        )
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(
            (
                each.created_at.isoformat(), each.rule, each.debit, each.credit, each.amount.currency,
                each.amount.amount, each.stage, each.customer_id, each.invoice_id, each.payment_id, each.refund_id,
                _cell(each.reference), each.id,
            )
            for each in transfers[:MAX_EXPORTED]
        )  # fmt: skip
        return Disclosure(
            request,
            text.getvalue(),
            subjects=[str(clinic_id)],
            media_type="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="ledger-{clinic_id}.csv"',
                "Cache-Control": "no-store",
            },
        )


def _cell(value: str | None) -> str | None:
    """Turn a value that a spreadsheet would run as a formula into plain text."""
    return f"'{value}" if value and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
