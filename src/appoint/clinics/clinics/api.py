"""/api/clinics"""

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...http.idempotency.keys import idempotent
from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.responses import created_response, json_response
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from ...kit.structs import RequestBody as Body
from . import repository, service
from .model import Clinic, ClinicContent, ClinicFilter, ClinicPatch


class Deactivation(Body):
    cascade: bool = False
    """Also deactivate the clinic's doctors and time slots."""


class Clinics(Controller):
    path = "/clinics"
    tags = ["Clinics"]

    @get(operation_id="listClinics", opt=route(permission="public", stale=True))
    async def list(self, request: Request, query: ClinicFilter) -> Response[Page[Clinic]]:
        """List active clinics, oldest first."""
        clinics = await repository.list_active(
            request.stale_db, q=query.q, after=cursor_after(request, query, tuple[int]), limit=query.limit
        )
        return page_response(request, query, clinics, lambda clinic: (clinic.id,), cache_control="public, no-cache")

    @post(operation_id="createClinic", opt=route(permission="administer", problems=("slug-taken",)))
    async def create(self, request: Request, data: JSONBody[ClinicContent]) -> Response[Clinic]:
        """Create a clinic."""
        clinic, replayed = await idempotent(
            request,
            data,
            lambda tx: service.create(tx, request.user, content=data),
            remember=lambda clinic: clinic.id,
            recall=service.get,
        )
        return created_response(request, clinic, f"/api/clinics/{clinic.id}", replayed=replayed)

    @get("/{clinic_id:int}", operation_id="getClinic", opt=route(permission="public"))
    async def get(self, request: Request, clinic_id: FromPath[int]) -> Response[Clinic]:
        """Return a clinic, whether active or inactive."""
        return json_response(request, await service.get(request.db, clinic_id), cache_control="public, no-cache")

    @put(
        "/{clinic_id:int}",
        operation_id="replaceClinic",
        opt=route(permission="manage", problems=("slug-taken", "slots-published")),
    )
    async def replace(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[ClinicContent]
    ) -> Response[Clinic]:
        """Replace a clinic. Omitted members take their default values."""
        return json_response(request, await self._change(request, clinic_id, data))

    @patch(
        "/{clinic_id:int}",
        operation_id="patchClinic",
        opt=route(permission="manage", problems=("slug-taken", "slots-published")),
    )
    async def patch(self, request: Request, clinic_id: FromPath[int], data: JSONBody[ClinicPatch]) -> Response[Clinic]:
        """Update a clinic (JSON merge patch). `active: true` reactivates a deactivated clinic."""
        return json_response(request, await self._change(request, clinic_id, data))

    @delete(
        "/{clinic_id:int}",
        operation_id="deactivateClinic",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="administer", problems=("clinic-in-use", "live-appointments")),
    )
    async def deactivate(self, request: Request, clinic_id: FromPath[int], query: Deactivation) -> None:
        """Deactivate a clinic. Its data remains readable."""
        await request.change(
            clinic_id,
            service.deactivate,
            request.user,
            clinic_id=clinic_id,
            cascade=query.cascade,
            if_match=request.if_match,
            now=clock.now(),
        )

    async def _change(self, request: Request, clinic_id: int, change: ClinicContent | ClinicPatch) -> Clinic:
        return await request.change(
            clinic_id,
            service.change,
            request.user,
            clinic_id=clinic_id,
            change=change,
            if_match=request.if_match,
            now=clock.now(),
        )
