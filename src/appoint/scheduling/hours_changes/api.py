"""/api/doctors/{doctorId}/scheduleChanges and /api/clinics/{clinicId}/scheduleChanges"""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ... import audit
from ...database.pool import Transaction
from ...http.idempotency.keys import idempotent
from ...http.request import Request
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.ids import clinic_of
from . import service
from .model import DoctorsScheduleChangeContent, ScheduleChange, ScheduleChangeContent, ScheduleChangeQuery


class ScheduleChanges(Controller):
    """Apply changed weekly schedules to published hours. A dry run previews the effect. A change is applied completely
    or not at all."""

    tags = ["Schedule changes"]

    @post(
        "/doctors/{doctor_id:uuid}/scheduleChanges",
        operation_id="changeDoctorsHours",
        status_code=HTTP_200_OK,
        opt=route(
            permission="schedule",
            owned_by="doctor_id",
            problems=("appointments-stranded", "version-mismatch", "version-required"),
        ),
    )
    async def of_doctor(
        self,
        request: Request,
        doctor_id: FromPath[UUID],
        query: ScheduleChangeQuery,
        data: JSONBody[DoctorsScheduleChangeContent | None] = None,
    ) -> Response[ScheduleChange]:
        """Apply a doctor's weekly schedule to their published hours. The schedule is either the saved one or one sent
        with the request."""
        return await _change(request, clinic_of(doctor_id), doctor_id, data or DoctorsScheduleChangeContent(), query)

    @post(
        "/clinics/{clinic_id:int}/scheduleChanges",
        operation_id="changeClinicsHours",
        status_code=HTTP_200_OK,
        opt=route(permission="schedule", problems=("appointments-stranded",)),
    )
    async def of_clinic(
        self,
        request: Request,
        clinic_id: FromPath[int],
        query: ScheduleChangeQuery,
        data: JSONBody[ScheduleChangeContent | None] = None,
    ) -> Response[ScheduleChange]:
        """Apply the saved weekly schedules of all the clinic's doctors to their published hours."""
        return await _change(request, clinic_id, None, data or ScheduleChangeContent(), query)


async def _change(
    request: Request, clinic_id: int, doctor_id: UUID | None, data: ScheduleChangeContent, query: ScheduleChangeQuery
) -> Response[ScheduleChange]:
    if_match, now = request.if_match, clock.now()

    async def apply(tx: Transaction) -> ScheduleChange:
        if not query.dry_run:
            return await service.carry_out(
                tx, request.user, clinic_id=clinic_id, doctor_id=doctor_id, content=data, if_match=if_match, now=now
            )
        change = await service.rehearse(
            tx, clinic_id=clinic_id, doctor_id=doctor_id, content=data, if_match=if_match, now=now
        )
        await audit.record(tx, request.user, clinic_id=clinic_id, subjects=[doctor_id] if doctor_id else [])
        return change

    change, replayed = await idempotent(
        request,
        data,
        apply,
        remember=_remember,
        recall=lambda tx, content: _recall(tx, clinic_id, content),
        clinic_id=None if query.dry_run else clinic_id,
    )
    return json_response(request, change, headers=replay_headers(replayed))


def _remember(change: ScheduleChange) -> dict[str, Any]:
    """Return what to store for repeated requests. Appointments are stored only by id, because they can change later."""
    return {
        **msgspec.to_builtins(msgspec.structs.replace(change, stranded=[])),
        "stranded": [appointment.id for appointment in change.stranded],
    }


async def _recall(tx: Transaction, clinic_id: int, content: dict[str, Any]) -> ScheduleChange:
    change = msgspec.convert({**content, "stranded": []}, ScheduleChange)
    return await service.with_current_appointments(
        tx, clinic_id, change, [UUID(appointment_id) for appointment_id in content["stranded"]]
    )
