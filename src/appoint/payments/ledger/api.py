"""/api/clinics/{clinicId}/ledger"""

from datetime import datetime
from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import FromPath

from ...clinics.clinics import service as clinics
from ...http.languages import language_tag_for
from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.responses import Disclosure
from ...http.routes import route
from ...kit.structs import Page
from . import repository, service
from .formats import Format
from .model import LedgerFilter, LedgerRange, Transfer


class Ledger(Controller):
    """A clinic's books: transfers from one account to another, which balance by construction."""

    tags = ["Ledger"]

    @get("/clinics/{clinic_id:int}/ledger", operation_id="listTransfers", opt=route(permission="refund"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: LedgerFilter) -> Response[Page[Transfer]]:
        """List a clinic's transfers in a range of days, oldest first."""
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
        """Return a clinic's transfers in a range of days as CSV (RFC 4180), oldest first.

        Spreadsheet programs can open the file: it begins with a byte order mark, and where numbers have a decimal
        comma, semicolons separate the columns. The region is the caller's (`Accept-Language`), or else the clinic's.
        """
        return await self._export(request, clinic_id, query, "csv")

    @get(
        "/clinics/{clinic_id:int}/ledger.beancount",
        operation_id="exportBeancountLedger",
        opt=route(permission="refund", media_types=("text/plain",)),
    )
    async def export_beancount(self, request: Request, clinic_id: FromPath[int], query: LedgerRange) -> Response[str]:
        """Return a clinic's transfers in a range of days as a Beancount ledger, without pending ones."""
        return await self._export(request, clinic_id, query, "beancount")

    async def _export(self, request: Request, clinic_id: int, query: LedgerRange, format: Format) -> Response[str]:
        content = await service.export(
            request.db,
            clinic_id,
            format=format,
            language=language_tag_for(request),
            first_day=query.from_date,
            last_day=query.until_date,
        )
        return Disclosure(
            request,
            content,
            subjects=[str(clinic_id)],
            media_type="text/csv" if format == "csv" else "text/plain",
            headers={
                "Content-Disposition": f'attachment; filename="ledger-{clinic_id}.{format}"',
                "Cache-Control": "no-store",
            },
        )
