"""/api/clinics/{clinicId}/absences and /api/absences"""

from datetime import datetime
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...clinics.clinics import service as clinics
from ...http.access import authorize
from ...http.pagination import cursor_after
from ...http.request import Request
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import created_response, json_response
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from . import rebooking, repository, service
from .model import (
    Absence,
    AbsenceContent,
    AbsenceFilter,
    AbsencePatch,
    AbsenceQuery,
    RebookingFilter,
    RebookingList,
)


class Absences(Controller):
    """Periods when a doctor is away or a clinic is closed. Appoint does not publish any time during them."""

    tags = ["Absences"]

    @get("/clinics/{clinic_id:int}/absences", operation_id="listAbsences", opt=route(permission="see-absences"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: AbsenceFilter) -> Response[Page[Absence]]:
        """List a clinic's active absences, earliest first."""
        absences = await repository.list_for_clinic(
            request.db, clinic_id, query, after=cursor_after(request, query, tuple[datetime, UUID])
        )
        if not absences:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, absences, lambda absence: (absence.start_time, absence.id))

    @post(
        "/clinics/{clinic_id:int}/absences",
        operation_id="createAbsence",
        opt=route(permission="schedule", narrows=True, problems=("appointments-in-the-way",)),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[AbsenceContent], query: AbsenceQuery
    ) -> Response[Absence]:
        """Add a doctor's absence or a closure of the clinic, and withdraw the time published during it."""
        authorize(request, clinic_id=clinic_id, doctor_id=data.doctor_id)
        absence, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add(
                tx, request.user, clinic_id=clinic_id, content=data, force=query.force, now=clock.now()
            ),
            service.get,
        )
        return created_response(request, absence, f"/api/absences/{absence.id}", replayed=replayed)

    @get(
        "/clinics/{clinic_id:int}/appointmentsToRebook",
        operation_id="listAppointmentsToRebook",
        opt=route(permission="run-appointments", narrows=True),
    )
    async def to_rebook(
        self, request: Request, clinic_id: FromPath[int], query: RebookingFilter
    ) -> Response[RebookingList]:
        """List the upcoming appointments that an absence or a change of hours has left outside working hours, with
        free times that they could move to, and the colleagues who could take over at the same times."""
        own = request.grant.doctor_id
        to_rebook = await rebooking.load_rebooking_list(
            request.db, clinic_id, doctor_id=own or query.doctor_id, now=clock.now()
        )
        return json_response(request, to_rebook, subjects=[each.appointment_id for each in to_rebook.appointments])

    @get("/absences/{absence_id:uuid}", operation_id="getAbsence", opt=route(permission="see-absences"))
    async def find(self, request: Request, absence_id: FromPath[UUID]) -> Response[Absence]:
        """Return an absence, whether active or removed."""
        return json_response(request, await service.get(request.db, absence_id), subjects=[absence_id])

    @patch(
        "/absences/{absence_id:uuid}",
        operation_id="patchAbsence",
        opt=route(permission="schedule", owned_by="absence_id", problems=("appointments-in-the-way",)),
    )
    async def change(
        self, request: Request, absence_id: FromPath[UUID], data: JSONBody[AbsencePatch], query: AbsenceQuery
    ) -> Response[Absence]:
        """Change an absence's start, end or reason (JSON merge patch). Time that it still covers is never offered
        during the change."""
        changed = await request.db.atomic(
            service.change,
            request.user,
            absence_id=absence_id,
            patch=data,
            force=query.force,
            if_match=request.if_match,
            now=clock.now(),
        )
        return json_response(request, changed)

    @delete(
        "/absences/{absence_id:uuid}",
        operation_id="removeAbsence",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="schedule", owned_by="absence_id"),
    )
    async def remove(self, request: Request, absence_id: FromPath[UUID]) -> None:
        """Remove an absence, and republish the weekly schedule for its period."""
        await request.db.atomic(
            service.remove, request.user, absence_id=absence_id, if_match=request.if_match, now=clock.now()
        )
