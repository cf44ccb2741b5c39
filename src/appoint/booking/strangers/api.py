"""/api/clinics/{clinicId}/strangerAppointments"""

from datetime import datetime
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...clinics.clinics import service as clinics
from ...http.pagination import cursor_after
from ...http.request import Request
from ...http.resources import idempotent_result, resource_page
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from . import service
from .model import BulkCancellation, BulkCancelled, StrangerAppointment, StrangerFilter, StrangerSelection


class StrangerAppointments(Controller):
    path = "/clinics/{clinic_id:int}/strangerAppointments"
    tags = ["Appointments"]

    @get(operation_id="listStrangerAppointments", opt=route(permission="review-bookings"))
    async def list(
        self, request: Request, clinic_id: FromPath[int], query: StrangerFilter
    ) -> Response[Page[StrangerAppointment]]:
        """List appointments booked in the last 30 days by people who were not signed in, or who had only just
        registered, newest first."""
        selection = StrangerSelection.of(query, cursor_after(request, query, tuple[datetime, UUID]))
        appointments = await service.list_newest(request.services.db.across(), clinic_id, selection)
        if not appointments:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, appointments, _by_creation)

    @post(
        "/cancel",
        operation_id="cancelStrangerAppointments",
        status_code=HTTP_200_OK,
        opt=route(permission="review-bookings"),
    )
    async def cancel(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[BulkCancellation]
    ) -> Response[BulkCancelled]:
        """Cancel up to 200 appointments booked by people who were not signed in, with one reason, even within the
        clinic's notice period.

        Other appointments, and those that can no longer be cancelled, are skipped. Holds end without a message;
        patients with booked appointments receive one. The cancellations can be undone, except for holds.
        """
        outcome, replayed = await idempotent_result(
            request,
            data,
            lambda tx: service.cancel(tx, request.user, clinic_id=clinic_id, cancellation=data, now=clock.now()),
            BulkCancelled,
        )
        return json_response(request, outcome, headers=replay_headers(replayed))


def _by_creation(appointment: StrangerAppointment) -> tuple[datetime, UUID]:
    return appointment.created_at, appointment.id
