"""/api/clinics/{clinicId}/patients/{customerId}/emergencyAccess and /api/clinics/{clinicId}/emergencyAccess"""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...clinics.clinics import service as clinics
from ...http.pagination import cursor_after
from ...http.request import Request
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import created_response, json_response, replay_headers
from ...http.routes import route
from ...kit import clock, errors
from ...kit.structs import Page
from . import service
from .model import EmergencyAccess, EmergencyAccessFilter, EmergencyAccessRequest


class EmergencyAccesses(Controller):
    tags = ["Emergency access"]

    @post(
        "/clinics/{clinic_id:int}/patients/{customer_id:uuid}/emergencyAccess",
        operation_id="openInEmergency",
        opt=route(permission="emergency-access"),
    )
    async def grant(
        self,
        request: Request,
        clinic_id: FromPath[int],
        customer_id: FromPath[UUID],
        data: JSONBody[EmergencyAccessRequest],
    ) -> Response[EmergencyAccess]:
        """Let the calling doctor see a colleague's patient for 24 hours, in an emergency. The reason appears in the
        list that managers review."""
        membership = request.grant.membership
        doctor_id = membership.doctor_id if membership else None
        if doctor_id is None:
            raise errors.Forbidden
        access, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.grant(
                tx,
                request.user,
                clinic_id=clinic_id,
                doctor_id=doctor_id,
                customer_id=customer_id,
                request=data,
                now=clock.now(),
            ),
            service.get,
        )
        return created_response(request, access, f"/api/emergencyAccess/{access.id}", replayed=replayed)

    @get(
        "/clinics/{clinic_id:int}/emergencyAccess",
        operation_id="listEmergencyAccess",
        opt=route(permission="manage-access"),
    )
    async def list(
        self, request: Request, clinic_id: FromPath[int], query: EmergencyAccessFilter
    ) -> Response[Page[EmergencyAccess]]:
        """List which doctors used emergency access to see which colleagues' patients, and why, newest first."""
        place = cursor_after(request, query, tuple[UUID])
        accesses = await service.list_newest(
            request.db,
            clinic_id=clinic_id,
            reviewed=query.reviewed,
            before=place[0] if place else None,
            limit=query.limit,
        )
        if not accesses:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, accesses)

    @get("/emergencyAccess/{access_id:uuid}", operation_id="getEmergencyAccess", opt=route(permission="manage-access"))
    async def find(self, request: Request, access_id: FromPath[UUID]) -> Response[EmergencyAccess]:
        """Return one doctor's emergency access to a patient."""
        return json_response(request, await service.get(request.db, access_id), subjects=[access_id])

    @post(
        "/emergencyAccess/{access_id:uuid}/review",
        operation_id="reviewEmergencyAccess",
        status_code=HTTP_200_OK,
        opt=route(permission="manage-access"),
    )
    async def review(self, request: Request, access_id: FromPath[UUID]) -> Response[EmergencyAccess]:
        """Record that the caller has reviewed a doctor's emergency access."""
        access, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: service.review(tx, request.user, access_id=access_id, now=clock.now()),
            service.get,
        )
        return json_response(request, access, headers=replay_headers(replayed))
