"""/api/clinics/{clinicId}/audit and /api/audit"""

from litestar import Controller, Response, get
from litestar.params import FromPath

from ..http.pagination import cursor_after, page_response
from ..http.request import Request
from ..http.responses import json_response
from ..http.routes import route
from ..kit.ids import PLATFORM
from ..kit.structs import Page
from . import service
from .model import AuditEntry, AuditFilter, AuditHead


class Audit(Controller):
    """Who has changed and seen what. Entries are written with the change itself, and nobody can change or delete them;
    within seconds they are sealed: each has the hash of itself and all before it, and the last one, the head, is
    signed."""

    tags = ["Audit"]

    @get("/clinics/{clinic_id:int}/audit", operation_id="listAudit", opt=route(permission="manage-access"))
    async def of_clinic(
        self, request: Request, clinic_id: FromPath[int], query: AuditFilter
    ) -> Response[Page[AuditEntry]]:
        """What was done at a clinic and who has looked at what, oldest first. A list ends with what there was when its
        first page was read."""
        return await _listed(request, clinic_id, query)

    @get("/clinics/{clinic_id:int}/audit/head", operation_id="getAuditHead", opt=route(permission="manage-access"))
    async def head_of_clinic(self, request: Request, clinic_id: FromPath[int]) -> Response[AuditHead]:
        """How far a clinic's audit is sealed, signed, to be kept elsewhere; not found while nothing is."""
        return json_response(request, await service.head(request.db, clinic_id=clinic_id), subjects=[])

    @get("/audit", operation_id="listPlatformAudit", opt=route(permission="administer"))
    async def of_platform(self, request: Request, query: AuditFilter) -> Response[Page[AuditEntry]]:
        """The same for what belongs to no clinic, such as customers; dates are those of UTC."""
        return await _listed(request, PLATFORM, query)

    @get(
        "/audit/head", operation_id="getPlatformAuditHead", opt=route(permission="administer", problems=("not-found",))
    )
    async def head_of_platform(self, request: Request) -> Response[AuditHead]:
        """The same for what belongs to no clinic."""
        return json_response(request, await service.head(request.db, clinic_id=PLATFORM), subjects=[])


async def _listed(request: Request, clinic_id: int, query: AuditFilter) -> Response[Page[AuditEntry]]:
    listed = await service.entries(
        request.db,
        clinic_id=clinic_id,
        first=query.from_,
        last=query.to,
        actor=query.actor,
        action=query.action,
        subject=query.subject,
        place=cursor_after(request, query, service.Place),
        limit=query.limit,
    )
    return page_response(
        request,
        query,
        listed.entries,
        lambda entry: service.Place(entry.id, listed.until),
        subject=lambda entry: entry.id,
    )
