"""/api/clinics/{clinicId}/audit and /api/audit"""

from litestar import Controller, Response, get
from litestar.params import FromPath

from ..http.pagination import cursor_after
from ..http.request import Request
from ..http.resources import resource_page
from ..http.responses import json_response
from ..http.routes import route
from ..kit.ids import PLATFORM
from ..kit.structs import Page
from . import service
from .model import AuditEntry, AuditFilter, AuditHead, EntryFilter


class Audit(Controller):
    """The audit trail of changes and disclosures. A change and its entry are committed together, and entries cannot be
    changed or deleted. Within seconds, the worker seals them: each entry gets a hash that covers it and all earlier
    entries, and the head (the latest hash) is signed."""

    tags = ["Audit"]

    @get("/clinics/{clinic_id:int}/audit", operation_id="listAudit", opt=route(permission="manage-access", stale=True))
    async def of_clinic(
        self, request: Request, clinic_id: FromPath[int], query: AuditFilter
    ) -> Response[Page[AuditEntry]]:
        """List a clinic's audit entries, oldest first. The list ends with the entry that was newest when the first page
        was requested."""
        return await _page(request, clinic_id, query)

    @get("/clinics/{clinic_id:int}/audit/head", operation_id="getAuditHead", opt=route(permission="manage-access"))
    async def head_of_clinic(self, request: Request, clinic_id: FromPath[int]) -> Response[AuditHead]:
        """Return the signed head of a clinic's audit trail, for storing elsewhere. The response is 404 until an entry
        has been sealed."""
        return json_response(request, await service.head(request.db, clinic_id=clinic_id), subjects=[])

    @get("/audit", operation_id="listPlatformAudit", opt=route(permission="administer", stale=True))
    async def of_platform(self, request: Request, query: AuditFilter) -> Response[Page[AuditEntry]]:
        """List the platform's audit entries, such as those about customers. Dates are in UTC."""
        return await _page(request, PLATFORM, query)

    @get(
        "/audit/head", operation_id="getPlatformAuditHead", opt=route(permission="administer", problems=("not-found",))
    )
    async def head_of_platform(self, request: Request) -> Response[AuditHead]:
        """Return the signed head of the platform's audit trail."""
        return json_response(request, await service.head(request.db, clinic_id=PLATFORM), subjects=[])


async def _page(request: Request, clinic_id: int, query: AuditFilter) -> Response[Page[AuditEntry]]:
    listing = await service.entries(
        request.stale_db,
        clinic_id=clinic_id,
        matching=EntryFilter(query.from_, query.to, query.actor, query.action, query.subject),
        place=cursor_after(request, query, service.ListPosition),
        limit=query.limit,
    )
    return resource_page(request, query, listing.entries, lambda entry: service.ListPosition(entry.id, listing.until))
