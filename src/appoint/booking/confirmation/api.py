"""/api/appointments/{appointmentId}/confirm and /sendCode"""

from uuid import UUID

from litestar import Controller, Response, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request, idempotency_key
from ...http.resources import idempotent_result
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ..model import Appointment
from ..request_context import apply_transition, customer_limits, redact
from . import service
from .message import Confirmation
from .model import CONFIRMATION_PROBLEMS, ConfirmationCode
from .service import CodeEntry


class Confirmations(Controller):
    tags = ["Appointments"]

    @post(
        "/appointments/{appointment_id:uuid}/confirm",
        operation_id="confirmAppointment",
        status_code=HTTP_200_OK,
        opt=route(permission="move-appointments", owned_by="appointment_id", problems=CONFIRMATION_PROBLEMS),
    )
    async def confirm(
        self, request: Request, appointment_id: FromPath[UUID], data: JSONBody[ConfirmationCode | None] = None
    ) -> Response[Appointment]:
        """Confirm a held appointment.

        If the response to the booking contains a `confirmation`, a caller with the manage link needs the `code` from
        the message; signed-in customers, staff and partners do not. Each code allows five attempts.
        """
        if request.user.is_stranger:
            idempotency_key(request)  # a repeat changes nothing, so only check the header
            outcome = await service.confirm_appointment(
                request.services.db.across(),
                request.user,
                appointment_id=appointment_id,
                entry=CodeEntry(data.code if data and data.code else None, request.services.secret_key),
                limits=customer_limits(request),
                now=clock.now(),
            )
            if outcome:
                return json_response(request, redact(request, outcome.appointment))
        return await apply_transition(request, appointment_id, "confirm")

    @post(
        "/appointments/{appointment_id:uuid}/sendCode",
        operation_id="sendConfirmationCode",
        status_code=HTTP_200_OK,
        opt=route(
            permission="move-appointments",
            owned_by="appointment_id",
            problems=("too-many-codes", "hold-expired", "wrong-status"),
            rate_limit="bookings",
        ),
    )
    async def send_code(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Confirmation]:
        """Send the customer a new code for a held appointment. The previous code becomes invalid; the hold does not
        last any longer. At most three codes are sent for a booking."""
        sent, replayed = await idempotent_result(
            request,
            None,
            lambda tx: service.send_next_code(tx, request.user, appointment_id=appointment_id, now=clock.now()),
            Confirmation,
            db=request.services.db.across(),
        )
        return json_response(request, sent, headers=replay_headers(replayed))
