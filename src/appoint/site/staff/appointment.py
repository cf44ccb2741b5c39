"""An appointment's page for staff whose browser does not run scripts. It does the same as the board's panel, with plain
forms.
"""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_409_CONFLICT

from ...booking import service as appointments
from ...booking import transitions
from ...booking.availability.next_free import NextFree, NextFreeFilter, find_next_free
from ...booking.model import MOVABLE_BY_STAFF, TRANSITIONS, Appointment, AppointmentPatch, RescheduleRequest
from ...booking.request_context import visible_doctors
from ...booking.reschedule import reschedule
from ...booking.undo import service as undo
from ...calls.joining import service as joining
from ...clinics.catalogue import service as catalogue
from ...customers import service as customers
from ...http.etags import etag
from ...http.forms import parse_form, parse_id, parse_minute, query_params
from ...http.languages import typed_date
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, ids
from ..patient.manage_link import describe_refusal
from ..rendering import redirect
from ..staff_frame import staff_page
from .money.account import load_account

PAGE: Final = "/staff/{clinic_id:int}/appointments/{appointment_id:uuid}"
RUN: Final = route(permission="run-appointments", owned_by="appointment_id", page=True)
MAX_TIMES: Final = 12
MAX_REASON_LENGTH: Final = 200
STEPS: Final = tuple(name for name in TRANSITIONS if name != "cancel")


@get(PAGE, operation_id="showAppointment", opt=RUN, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int], appointment_id: FromPath[UUID]) -> Response[Any]:
    return await _page(request, clinic_id, appointment_id)


@post(
    PAGE,
    operation_id="changeAppointmentByForm",
    status_code=HTTP_200_OK,
    opt=RUN,
    include_in_schema=False,
)
async def change(request: Request, clinic_id: FromPath[int], appointment_id: FromPath[UUID]) -> Response[Any]:
    """Change the appointment's status, time or notes, cancel it, or undo the last change."""
    try:
        await _apply(request, appointment_id, await parse_form(request))
    except (errors.Conflict, errors.VersionMismatch) as refusal:
        return await _page(request, clinic_id, appointment_id, refusal=refusal)
    return redirect(f"/staff/{clinic_id}/appointments/{appointment_id}")


async def _apply(request: Request, appointment_id: UUID, form: dict[str, str]) -> None:
    """Do what the button that was pressed says. Raise `NotFound` for a form that the page does not contain."""
    act, db, user, now = form.get("act", ""), request.db, request.user, clock.now()
    version = etag(int(form["version"])) if form.get("version", "").isdecimal() else None
    common: dict[str, Any] = {"appointment_id": appointment_id}
    if act in STEPS:
        await db.atomic(transitions.apply, user, **common, name=act, now=now)
    elif act == "undo":
        await db.atomic(undo.undo, user, **common, now=now)
    elif act == "cancel":
        reason = form.get("reason", "").strip()[:MAX_REASON_LENGTH] or None
        await db.atomic(transitions.cancel, user, **common, reason=reason, if_match=version, now=now)
    elif act == "notes":
        patch = AppointmentPatch(staff_notes=form.get("notes", "").strip() or None)
        await db.atomic(appointments.change, user, **common, change=patch, if_match=version)
    elif start := parse_minute(act):
        to = RescheduleRequest(start_time=start, doctor_id=parse_id(form.get(f"doctor-{act}")))
        await reschedule(db, user, **common, to=to, if_match=version, now=now)
    else:
        raise errors.NotFound


async def _page(
    request: Request, clinic_id: int, appointment_id: UUID, *, refusal: errors.AppointError | None = None
) -> Response[Any]:
    if ids.clinic_of(appointment_id) != clinic_id:
        raise errors.NotFound
    query = query_params(request)
    appointment = await appointments.get(request.db, appointment_id)
    clinic_catalogue = await catalogue.get(request.db, request.cache, clinic_id)
    is_movable = appointment.status in MOVABLE_BY_STAFF
    return await staff_page(
        request,
        "staff/day/appointment.html",
        clinic_id=clinic_id,
        place="day",
        status_code=HTTP_409_CONFLICT if refusal else HTTP_200_OK,
        subjects=[appointment_id],
        appointment=appointment,
        names=await customers.load_patient_names(request.db, clinic_id, [appointment.customer_id]),
        day=clock.local_date(appointment.start_time, clinic_catalogue.time_zone),
        doctor=clinic_catalogue.doctors[appointment.doctor_id],
        type=clinic_catalogue.types.get(appointment.appointment_type_id) if appointment.appointment_type_id else None,
        steps=[name for name in STEPS if _can_take(appointment, name)],
        free=await _free_times(request, appointment) if is_movable else None,
        call_path=f"/staff/{clinic_id}/appointments/{appointment_id}/call"
        if await joining.list_on_board(request.db, clinic_id=clinic_id, appointment_ids=[appointment_id])
        else None,
        any_doctor="any" in query,
        account=await load_account(request, clinic_id, appointment.customer_id),
        refusal=refusal and describe_refusal(request, refusal),
    )


def _can_take(appointment: Appointment, name: str) -> bool:
    is_early = name == "noShow" and appointment.start_time > clock.now()
    is_in_room = name == "enterRoom" and appointment.in_room_at is not None
    return appointment.status in TRANSITIONS[name].sources and not is_early and not is_in_room


async def _free_times(request: Request, appointment: Appointment) -> NextFree:
    query = query_params(request)
    minutes = int((appointment.end_time - appointment.start_time).total_seconds()) // 60
    doctor_id = None if "any" in query else appointment.doctor_id
    return await find_next_free(
        request.db,
        request.cache,
        clinic_id=appointment.clinic_id,
        query=NextFreeFilter(
            from_=typed_date(request, query.get("from"), appointment.time_zone),
            appointment_type_id=appointment.appointment_type_id,
            minutes=None if appointment.appointment_type_id else minutes,
            doctor_id=doctor_id,
            limit=MAX_TIMES,
        ),
        doctor_ids=visible_doctors(request, doctor_id),
        now=clock.now(),
    )


PAGES: Final = [show, change]
