"""/api/appointments/{appointmentId}/call and /api/clinics/{clinicId}/calls"""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...clinics.clinics import service as clinics
from ...http.pagination import cursor_after, page_response
from ...http.request import Request, idempotency_key
from ...http.resources import by_id
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from ..providers.gateway import default_gateway
from . import service
from .details import CallDetails, CallFilter, ListedCall, describe

STAFF = route(permission="run-appointments", owned_by="appointment_id")


class Calls(Controller):
    """Video visits. Neither responses nor events contain the address of a provider's room: people join on one of
    Appoint's pages."""

    tags = ["Video visits"]

    @get("/clinics/{clinic_id:int}/calls", operation_id="listCalls", opt=route(permission="see-messages"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: CallFilter) -> Response[Page[ListedCall]]:
        """List a clinic's live calls, oldest first. `state=dead` lists those whose room could not be created."""
        calls = await service.list_calls(
            request.db,
            clinic_id=clinic_id,
            state=query.state,
            after=cursor_after(request, query, tuple[UUID]),
            limit=query.limit,
        )
        if not calls:
            await clinics.get(request.db, clinic_id)
        return page_response(request, query, calls, by_id, subject=lambda call: call.appointment_id)

    @get(
        "/appointments/{appointment_id:uuid}/call",
        operation_id="getCall",
        opt=route(permission="attend-visits", owned_by="appointment_id"),
    )
    async def find(self, request: Request, appointment_id: FromPath[UUID]) -> Response[CallDetails]:
        """Return an appointment's call: when people can join it, and on which page. Not found for appointments that are
        not video visits."""
        return json_response(request, await self._get(request, appointment_id), subjects=[appointment_id])

    @post(
        "/appointments/{appointment_id:uuid}/call/renew",
        operation_id="renewCall",
        status_code=HTTP_200_OK,
        opt=route(permission="run-appointments", owned_by="appointment_id", problems=("room-exists",)),
    )
    async def renew(self, request: Request, appointment_id: FromPath[UUID]) -> Response[CallDetails]:
        """Create a call's room now, if an attempt has failed or the call was ended too early. Refused if the call has
        a room, and not found once the visit is over."""
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        await request.db.atomic(
            service.renew,
            request.user,
            appointment_id=appointment_id,
            default_gateway=default_gateway(request.services.settings),
            now=clock.now(),
        )
        return json_response(request, await self._get(request, appointment_id))

    @post("/appointments/{appointment_id:uuid}/call/end", operation_id="endCall", status_code=204, opt=STAFF)
    async def end(self, request: Request, appointment_id: FromPath[UUID]) -> None:
        """End a call for everyone. Not found if there is none."""
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        await request.db.atomic(service.end, request.user, appointment_id=appointment_id, now=clock.now())

    async def _get(self, request: Request, appointment_id: UUID) -> CallDetails:
        visit = await service.get_visit(request.db, appointment_id)
        return describe(
            visit,
            request.user,
            origin=request.services.settings.links_url,
            secret=request.services.secret_key,
            default_gateway=default_gateway(request.services.settings),
            now=clock.now(),
        )
