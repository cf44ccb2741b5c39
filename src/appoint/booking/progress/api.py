"""/api/appointments/{appointmentId}/arrive, checkIn and so on"""

from uuid import UUID

from litestar import Controller, Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request
from ...http.routes import route
from ..model import Appointment
from ..request_context import apply_transition


class AppointmentProgress(Controller):
    tags = ["Appointments"]

    @post(
        "/appointments/{appointment_id:uuid}/arrive",
        operation_id="arriveAppointment",
        status_code=HTTP_200_OK,
        opt=route(
            permission="run-appointments",
            owned_by="appointment_id",
            problems=("wrong-status", "taken", "customer-busy", "outside-hours", "version-mismatch"),
        ),
    )
    async def arrive(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Record a customer's arrival, even after a no-show."""
        return await apply_transition(request, appointment_id, "arrive")

    @post(
        "/appointments/{appointment_id:uuid}/unarrive",
        operation_id="unarriveAppointment",
        status_code=HTTP_200_OK,
        opt=route(
            permission="run-appointments", owned_by="appointment_id", problems=("wrong-status", "version-mismatch")
        ),
    )
    async def unarrive(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Undo a customer's arrival."""
        return await apply_transition(request, appointment_id, "unarrive")

    @post(
        "/appointments/{appointment_id:uuid}/checkIn",
        operation_id="checkInAppointment",
        status_code=HTTP_200_OK,
        opt=route(
            permission="run-appointments", owned_by="appointment_id", problems=("wrong-status", "version-mismatch")
        ),
    )
    async def check_in(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Check a customer in as ready to be called."""
        return await apply_transition(request, appointment_id, "checkIn")

    @post(
        "/appointments/{appointment_id:uuid}/fulfil",
        operation_id="fulfilAppointment",
        status_code=HTTP_200_OK,
        opt=route(
            permission="run-appointments",
            owned_by="appointment_id",
            problems=("wrong-status", "not-started", "version-mismatch"),
        ),
    )
    async def fulfil(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Record that an appointment took place. This is possible from its day onwards."""
        return await apply_transition(request, appointment_id, "fulfil")

    @post(
        "/appointments/{appointment_id:uuid}/noShow",
        operation_id="noShowAppointment",
        status_code=HTTP_200_OK,
        opt=route(
            permission="run-appointments",
            owned_by="appointment_id",
            problems=("wrong-status", "not-started", "version-mismatch"),
        ),
    )
    async def no_show(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Record a no-show once the appointment has started."""
        return await apply_transition(request, appointment_id, "noShow")

    @post(
        "/appointments/{appointment_id:uuid}/enterRoom",
        operation_id="enterRoomForAppointment",
        status_code=HTTP_200_OK,
        opt=route(
            permission="run-appointments", owned_by="appointment_id", problems=("wrong-status", "version-mismatch")
        ),
    )
    async def enter_room(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Record that the customer is in the room. The status becomes `checked-in`, and `inRoomAt` is the time."""
        return await apply_transition(request, appointment_id, "enterRoom")
