"""/api/appointments/{appointmentId}/undo"""

from uuid import UUID

from litestar import Controller, Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from .. import service as appointments
from ..model import Appointment
from ..request_context import redact
from . import service


class AppointmentUndo(Controller):
    tags = ["Appointments"]

    @post(
        "/appointments/{appointment_id:uuid}/undo",
        operation_id="undoAppointmentStep",
        status_code=HTTP_200_OK,
        opt=route(
            permission="run-appointments",
            owned_by="appointment_id",
            problems=("nothing-to-undo", "taken", "customer-busy", "outside-hours", "version-mismatch"),
        ),
    )
    async def undo(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Take back the clinic's last step of today, such as a no-show or a cancellation.

        A patient's own confirmation or cancellation cannot be undone.
        """
        appointment, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: service.undo(
                tx, request.user, appointment_id=appointment_id, if_match=request.if_match, now=clock.now()
            ),
            appointments.get,
        )
        return json_response(request, redact(request, appointment), headers=replay_headers(replayed))
