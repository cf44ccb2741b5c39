"""Reschedule the appointment behind a manage link."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from ...booking import reschedule as rescheduling
from ...booking import service as appointments
from ...booking.availability import service as availability
from ...booking.availability.model import DayFilter
from ...booking.model import RescheduleRequest
from ...booking.time_rules import overlaps
from ...clinics.audience import PatientFacts, unfitness
from ...clinics.catalogue.model import CatalogueDoctor
from ...http.forms import parse_form, parse_id, parse_minute, query_params
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.fields import FIRST_YEAR, LAST_YEAR
from ..rendering import redirect
from .appointment_page import refused_page
from .manage_link import (
    LinkedAppointment,
    appointment_id,
    database,
    describe_refusal,
    holder,
    linked_page,
    load_appointment,
    not_found_page,
    path_of,
    version_in,
)
from .month import MAX_DOCTOR_LINKS, TimeFilter, load_month

PUBLIC: Final = route(permission="public", page=True)
PAGE: Final = "/appointments/{token:str}/move"
ANY_DOCTOR: Final = "any"
FINAL_REFUSALS: Final = frozenset({"too-late", "already-started", "wrong-status", "hold-expired"})
"""Refusals that would apply to any other time too."""


class Length(NamedTuple):
    """The kind of times that suit the appointment: times for its type, times of its length, or whole slots."""

    appointment_type_id: UUID | None
    minutes: int | None

    @property
    def whole_slots(self) -> bool:
        return self.appointment_type_id is None and self.minutes is None

    @classmethod
    def of(cls, linked: LinkedAppointment) -> "Length":
        """Return the appointment's length. The type is used only if its current length matches the appointment's."""
        appointment, catalogue = linked.appointment, linked.catalogue
        minutes = int((appointment.end_time - appointment.start_time).total_seconds() // 60)
        type = catalogue.types.get(appointment.appointment_type_id) if appointment.appointment_type_id else None
        if type and type.active and type.minutes == minutes:
            return cls(type.id, None)
        return cls(None, minutes if type or catalogue.has_bookable_types else None)


@get(PAGE, operation_id="showTimesByLink", opt=PUBLIC, include_in_schema=False)
async def show_times(request: Request, token: FromPath[str]) -> Response[Any]:
    """Show a month and one day's times, with the same doctor, a different one (`doctor`), or any (`doctor=any`). The
    month opens at the appointment's own day.
    """
    linked = await load_appointment(request, token)
    if linked is None:
        return not_found_page(request)
    if not linked.can_move or linked.is_late:
        return redirect(path_of(token))
    return await _times_page(request, linked, token, query_params(request))


@get(PAGE + "/confirm", operation_id="showMoveByLink", opt=PUBLIC, include_in_schema=False)
async def confirm_move(request: Request, token: FromPath[str]) -> Response[Any]:
    """Show the current time and the new one (`start`, followed by an end for a whole slot), and ask whether to move the
    appointment.
    """
    linked = await load_appointment(request, token)
    if linked is None:
        return not_found_page(request)
    fields = query_params(request)
    start, end = _requested_time(linked, fields)
    if not linked.can_move or linked.is_late:
        return redirect(path_of(token))
    if start is None:
        return await _times_page(request, linked, token, fields)
    appointment, catalogue = linked.appointment, linked.catalogue
    doctor_id = _doctor_id(linked, fields) or await _available_doctor(request, linked, start, end)
    return linked_page(
        request,
        "patient/reschedule_confirm.html",
        linked,
        address=path_of(token),
        start=start,
        end=end or start + (appointment.end_time - appointment.start_time),
        value=fields["start"],
        doctor=catalogue.doctors[doctor_id],
        choice=fields.get("doctor", ""),
        day=clock.local_date(start, catalogue.time_zone),
    )


def _requested_time(linked: LinkedAppointment, fields: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """Return the requested start, and the end if patients book whole slots. Otherwise, the appointment keeps its
    length.
    """
    first, _, last = fields.get("start", "").partition(" ")
    start, end = parse_minute(first), parse_minute(last)
    if start is None or not FIRST_YEAR < start.year < LAST_YEAR:
        return None, None
    return start, end if Length.of(linked).whole_slots else None


async def _times_page(
    request: Request,
    linked: LinkedAppointment,
    token: str,
    fields: Mapping[str, str],
    *,
    refusal: errors.Conflict | None = None,
    start: datetime | None = None,
) -> Response[Any]:
    appointment, catalogue = linked.appointment, linked.catalogue
    doctor_id, length = _doctor_id(linked, fields), Length.of(linked)
    own_day = clock.local_date(appointment.start_time, catalogue.time_zone)
    patient = await rescheduling.find_facts(request.services.db, appointment, catalogue)
    only = TimeFilter(*length, doctor_id, patient, appointment.doctor_id)
    return linked_page(
        request,
        "patient/reschedule.html",
        linked,
        status_code=PROBLEMS[refusal.type].status if refusal else 200,
        address=path_of(token),
        doctors=_doctors(linked, patient, own_day),
        doctor_id=doctor_id,
        max_doctor_links=MAX_DOCTOR_LINKS,
        own_day=own_day,
        month=await load_month(request, catalogue, fields, only, now=linked.now, preferred=own_day),
        refusal=refusal and describe_refusal(request, refusal),
        alternatives=await _alternatives(request, linked, refusal, start, only),
        whole=length.whole_slots,
    )


async def _alternatives(
    request: Request,
    linked: LinkedAppointment,
    refusal: errors.Conflict | None,
    start: datetime | None,
    only: TimeFilter,
) -> Sequence[Any]:
    if refusal is None:
        return []
    if start is None or not Length.of(linked).whole_slots:
        return refusal.facts.get("alternatives", [])
    # the refusal suggests times of the appointment's length, so offer whole slots instead
    slots = await availability.find_nearest_free(
        request.services.db,
        request.cache,
        clinic_id=linked.catalogue.clinic_id,
        query=DayFilter(
            doctor_id=only.doctor_id, birth_date=only.patient.birth_date, known_patient=only.patient.is_known
        ),
        start=start,
        now=linked.now,
        own_doctor_id=only.own_doctor_id,
    )
    slots = [slot for slot in slots if slot.start_time != start]
    if not slots or not request.user.may_know_visits(linked.appointment.customer_id, linked.catalogue.clinic_id):
        return slots  # a link's holder must not find out when the patient has other appointments
    first, last = min(slot.start_time for slot in slots), max(slot.end_time for slot in slots)
    busy = await appointments.find_other_times(request.services.db, linked.appointment, start=first, end=last)
    return [slot for slot in slots if not overlaps(busy, slot.start_time, slot.end_time)]


def _doctors(linked: LinkedAppointment, patient: PatientFacts, day: date) -> list[CatalogueDoctor]:
    """Return the doctors who offer the type and see the patient, ordered by name."""
    appointment = linked.appointment
    return [
        doctor
        for doctor in sorted(linked.catalogue.doctors_for(appointment.appointment_type_id), key=attrgetter("name"))
        if doctor.id == appointment.doctor_id or unfitness(doctor, patient, day) is None
    ]


def _doctor_id(linked: LinkedAppointment, fields: Mapping[str, str]) -> UUID | None:
    """Return the requested doctor, the current one by default, or None for any doctor."""
    requested = fields.get("doctor", "")
    if requested == ANY_DOCTOR:
        return None
    doctor_id = parse_id(requested)
    return doctor_id if doctor_id in linked.catalogue.doctors else linked.appointment.doctor_id


@post(PAGE, operation_id="moveAppointmentByLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def move(request: Request, token: FromPath[str]) -> Response[Any]:
    """Move the appointment to `start`, followed by an end for a whole slot. If the time has been taken, offer the
    nearest ones.
    """
    actor = await holder(request, token)
    linked = await load_appointment(request, token) if actor else None
    if actor is None or linked is None:
        return not_found_page(request)
    fields = await parse_form(request)
    start, end = _requested_time(linked, fields)
    if start is None:
        return await _times_page(request, linked, token, fields)
    doctor_id = _doctor_id(linked, fields) or await _available_doctor(request, linked, start, end)
    to = RescheduleRequest(start_time=start, end_time=end, doctor_id=doctor_id)
    try:
        await rescheduling.reschedule(
            database(request, actor),
            actor,
            appointment_id=appointment_id(actor),
            to=to,
            if_match=version_in(fields),
            now=linked.now,
        )
    except errors.Conflict as refusal:
        linked = await load_appointment(request, token)
        if linked is None or refusal.type in FINAL_REFUSALS:
            return await refused_page(request, token, refusal)
        return await _times_page(request, linked, token, fields, refusal=refusal, start=start)
    except (errors.VersionMismatch, errors.VersionRequired) as refusal:
        return await refused_page(request, token, refusal)
    return redirect(f"{path_of(token)}?moved=1")


async def _available_doctor(request: Request, linked: LinkedAppointment, start: datetime, end: datetime | None) -> UUID:
    """Return an available doctor, preferably the current one. If no one is available, keep the current one."""
    day = clock.local_date(start, linked.catalogue.time_zone)
    length = Length.of(linked)
    patient = await rescheduling.find_facts(request.services.db, linked.appointment, linked.catalogue)
    times = await availability.find_for_clinic(
        request.services.db,
        request.cache,
        clinic_id=linked.catalogue.clinic_id,
        query=DayFilter(
            appointment_type_id=length.appointment_type_id,
            minutes=length.minutes,
            birth_date=patient.birth_date,
            known_patient=patient.is_known,
        ),
        first=day,
        last=day,
        now=linked.now,
        own_doctor_id=linked.appointment.doctor_id,
    )
    available = [
        offer.doctor_id for offer in times.days[0].slots if offer.start_time == start and end in (None, offer.end_time)
    ]
    current = linked.appointment.doctor_id
    return current if current in available or not available else available[0]


PAGES: Final = [show_times, confirm_move, move]
