"""/api/clinics/{clinicId}/appointmentTypes and /api/appointmentTypes"""

from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import created_response, json_response
from ...http.routes import route
from ...kit import clock
from ...kit.ids import clinic_of
from ...kit.structs import Page
from ..clinics import service as clinics
from . import repository, service
from .model import (
    AppointmentType,
    AppointmentTypeContent,
    AppointmentTypeFilter,
    AppointmentTypeOrder,
    AppointmentTypePatch,
)


class AppointmentTypes(Controller):
    tags = ["Appointment types"]

    @get(
        "/clinics/{clinic_id:int}/appointmentTypes",
        operation_id="listAppointmentTypes",
        opt=route(permission="public", stale=True),
    )
    async def list(
        self, request: Request, clinic_id: FromPath[int], query: AppointmentTypeFilter
    ) -> Response[Page[AppointmentType]]:
        """List a clinic's appointment types, oldest first."""
        db, place = request.stale_db, cursor_after(request, query, tuple[UUID])
        types = await repository.list_types(db, clinic_id, active=query.active, after=place, limit=query.limit)
        if not types:
            await clinics.get(db, clinic_id)
        return page_response(request, query, types, lambda each: (each.id,), cache_control="public, no-cache")

    @post(
        "/clinics/{clinic_id:int}/appointmentTypes",
        operation_id="createAppointmentType",
        opt=route(permission="manage", problems=("clinic-inactive", "no-video-visits")),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[AppointmentTypeContent]
    ) -> Response[AppointmentType]:
        """Add an appointment type to a clinic."""
        appointment_type, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add(tx, request.user, clinic_id=clinic_id, content=data),
            service.get,
            clinic_id=clinic_id,
        )
        return created_response(
            request, appointment_type, f"/api/appointmentTypes/{appointment_type.id}", replayed=replayed
        )

    @put(
        "/clinics/{clinic_id:int}/appointmentTypes/order",
        operation_id="orderAppointmentTypes",
        opt=route(permission="manage"),
    )
    async def order(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[AppointmentTypeOrder]
    ) -> Response[AppointmentTypeOrder]:
        """Set the order in which patients see a clinic's appointment types."""
        await request.change(
            clinic_id, service.put_in_order, request.user, clinic_id=clinic_id, ids=data.appointment_type_ids
        )
        return json_response(request, data)

    @get("/appointmentTypes/{id:uuid}", operation_id="getAppointmentType", opt=route(permission="public"))
    async def get(self, request: Request, id: FromPath[UUID]) -> Response[AppointmentType]:
        """Return an appointment type, whether active or removed."""
        return json_response(request, await service.get(request.db, id), cache_control="public, no-cache")

    @put(
        "/appointmentTypes/{id:uuid}",
        operation_id="replaceAppointmentType",
        opt=route(permission="manage", problems=("no-video-visits",)),
    )
    async def replace(
        self, request: Request, id: FromPath[UUID], data: JSONBody[AppointmentTypeContent]
    ) -> Response[AppointmentType]:
        """Replace an appointment type. Omitted members take their default values."""
        return json_response(request, await self._change(request, id, data))

    @patch(
        "/appointmentTypes/{id:uuid}",
        operation_id="patchAppointmentType",
        opt=route(permission="manage", problems=("clinic-inactive", "no-video-visits")),
    )
    async def patch(
        self, request: Request, id: FromPath[UUID], data: JSONBody[AppointmentTypePatch]
    ) -> Response[AppointmentType]:
        """Update an appointment type (JSON merge patch). `active: true` restores a removed type."""
        return json_response(request, await self._change(request, id, data))

    @delete(
        "/appointmentTypes/{id:uuid}",
        operation_id="removeAppointmentType",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage"),
    )
    async def remove(self, request: Request, id: FromPath[UUID]) -> None:
        """Remove an appointment type, so that it can no longer be booked. Existing appointments remain."""
        await request.change(
            clinic_of(id), service.remove, request.user, id=id, if_match=request.if_match, now=clock.now()
        )

    async def _change(
        self, request: Request, id: UUID, change: AppointmentTypeContent | AppointmentTypePatch
    ) -> AppointmentType:
        return await request.change(
            clinic_of(id), service.change, request.user, id=id, change=change, if_match=request.if_match
        )
