"""/api/appointments/{appointmentId}/undo and /api/steps/{stepId}/undo"""

from uuid import UUID

import msgspec
from litestar import Controller, Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request, idempotency_key
from ...http.resources import idempotent_resource
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from .. import service as appointments
from ..model import Appointment
from ..request_context import redact
from . import service
from .model import UndoneStep

TIME_IN_USE = ("taken", "customer-busy", "outside-hours")


class AppointmentUndo(Controller):
    tags = ["Appointments"]

    @post(
        "/appointments/{appointment_id:uuid}/undo",
        operation_id="undoAppointmentStep",
        status_code=HTTP_200_OK,
        opt=route(
            permission="run-appointments",
            owned_by="appointment_id",
            problems=("nothing-to-undo", *TIME_IN_USE, "version-mismatch"),
        ),
    )
    async def undo(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Undo the clinic's last step for an appointment, such as a move, a no-show or a cancellation. Only today's
        steps can be undone. Undoing a booking cancels it.

        A patient's own confirmation, move or cancellation cannot be undone. If the step was taken less than eight
        seconds ago, no message about it has been sent, and none will be.
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

    @post(
        "/steps/{step_id:uuid}/undo",
        operation_id="undoStep",
        status_code=HTTP_200_OK,
        opt=route(
            permission="run-appointments",
            owned_by="step_id",
            problems=("changed-since", "nothing-to-undo", *TIME_IN_USE),
        ),
    )
    async def undo_step(self, request: Request, step_id: FromPath[UUID]) -> Response[UndoneStep]:
        """Undo a step that staff took today, for all of its appointments: a booking, a move, a cancellation, a status
        change or a bulk change.

        Responses to changes contain this address (`undo.url`). Appointments that someone else has changed since, or
        whose time has been taken, stay as they are, and the response lists them. If that leaves none, the request is
        refused.
        """
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        undone = await service.undo_all(
            request.db, request.user, step_id=step_id, doctor_id=request.grant.doctor_id, now=clock.now()
        )
        visible = [redact(request, appointment) for appointment in undone.appointments]
        return json_response(request, msgspec.structs.replace(undone, appointments=visible))
