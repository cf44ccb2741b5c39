"""/api/appointments/{appointmentId}/revokeLink"""

from functools import partial
from uuid import UUID

from litestar import Controller, Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from .. import service
from ..model import Appointment
from ..request_context import redact


class ManageLinks(Controller):
    tags = ["Appointments"]

    @post(
        "/appointments/{appointment_id:uuid}/revokeLink",
        operation_id="revokeManageLink",
        status_code=HTTP_200_OK,
        opt=route(permission="run-appointments", owned_by="appointment_id"),
    )
    async def revoke_link(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Revoke an appointment's manage link. Messages sent afterwards contain a new one; to send it at once, resend
        the confirmation."""
        revoke = partial(service.revoke_link, actor=request.user, appointment_id=appointment_id)
        appointment, replayed = await idempotent_resource(request, None, revoke, service.get)
        return json_response(request, redact(request, appointment), headers=replay_headers(replayed))
