"""/api/clinics/{clinicId}/appointments/cancel, /move and /askToRebook"""

import msgspec
from litestar import Controller, Response, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...http.languages import language_for
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request, idempotency_key
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from ...kit.i18n import translate
from ..request_context import redact
from . import service
from .model import AskToRebook, CancelAppointments, ChangedAppointments, MoveAppointments


class BulkChanges(Controller):
    path = "/clinics/{clinic_id:int}/appointments"
    tags = ["Appointments"]

    @post(
        "/cancel",
        operation_id="cancelAppointments",
        status_code=HTTP_200_OK,
        opt=route(permission="run-appointments", narrows=True),
    )
    async def cancel(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[CancelAppointments]
    ) -> Response[ChangedAppointments]:
        """Cancel up to 200 appointments in one step, which can be undone as a whole (`undo.url`).

        Appointments that can no longer be cancelled stay as they are, and the response lists them. Messages to patients
        go out only after eight seconds; if the step is undone before then, none are sent.
        """
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        outcome = await service.cancel(
            request.db,
            request.user,
            clinic_id=clinic_id,
            cancellation=data,
            own_doctor_id=request.grant.doctor_id,
            now=clock.now(),
        )
        return json_response(request, _visible(request, outcome))

    @post(
        "/move",
        operation_id="moveAppointments",
        status_code=HTTP_200_OK,
        opt=route(permission="run-appointments", narrows=True),
    )
    async def move(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[MoveAppointments]
    ) -> Response[ChangedAppointments]:
        """Move up to 200 appointments in one step, which can be undone as a whole (`undo.url`): to other times, to
        another doctor at the same times, or both.

        Appointments whose new time is not free stay as they are, and the response lists them. Messages to patients go
        out only after eight seconds; if the step is undone before then, none are sent.
        """
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        outcome = await service.move(
            request.db,
            request.user,
            clinic_id=clinic_id,
            moves=data,
            own_doctor_id=request.grant.doctor_id,
            now=clock.now(),
        )
        return json_response(request, _visible(request, outcome))

    @post(
        "/askToRebook",
        operation_id="askToRebook",
        status_code=HTTP_200_OK,
        opt=route(permission="run-appointments", narrows=True, problems=("no-rebooking-needed",)),
    )
    async def ask_to_rebook(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[AskToRebook]
    ) -> Response[ChangedAppointments]:
        """Ask the patients of up to 200 appointments that need rebooking to choose a new time, in one step, which can
        be undone as a whole (`undo.url`).

        Patients either receive a link or are called by staff. The clinic's notice period does not apply to patients
        whose appointments need rebooking.
        """
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        outcome = await service.ask_to_rebook(
            request.db,
            request.user,
            clinic_id=clinic_id,
            request=data,
            own_doctor_id=request.grant.doctor_id,
            now=clock.now(),
        )
        return json_response(request, _visible(request, outcome))


def _visible(request: Request, outcome: ChangedAppointments) -> ChangedAppointments:
    """Return the outcome with only what the caller may see, in the caller's language."""
    language, replace = language_for(request), msgspec.structs.replace
    return replace(
        outcome,
        appointments=[redact(request, appointment) for appointment in outcome.appointments],
        unchanged=[replace(each, title=translate(language, PROBLEMS[each.reason].title)) for each in outcome.unchanged],
    )
