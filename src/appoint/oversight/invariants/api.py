"""/api/invariants"""

from litestar import Controller, Response, get

from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.routes import route
from ...kit.structs import Page
from . import service
from .model import InvariantFilter, InvariantReport


class Invariants(Controller):
    """Rules that hold for all stored data. For example, a doctor never has two appointments at the same time."""

    path = "/invariants"
    tags = ["Invariants"]

    @get(operation_id="checkInvariants", opt=route(permission="administer", rate_limit="search"))
    async def check(self, request: Request, query: InvariantFilter) -> Response[Page[InvariantReport]]:
        """Check the data of the platform and all clinics, or of a single clinic, and list violated rules."""
        whole = request.services.db
        db = whole.across()
        if query.clinic_id is not None:
            await service.expect_clinic(db, query.clinic_id)
            clinic_ids = [query.clinic_id]
        else:
            position = cursor_after(request, query, tuple[int])
            after = position[0] if position else None
            clinic_ids = await service.list_clinics(db, after=after, limit=query.limit + 1)
        is_last = len(clinic_ids) <= query.limit
        reports = [report async for report in service.check(whole, clinic_ids=clinic_ids[: query.limit])]
        return page_response(
            request,
            query,
            reports,
            lambda report: (report.clinic_id,),
            last_key=None if is_last else (clinic_ids[query.limit - 1],),
            subject=lambda report: str(report.clinic_id),
        )
