"""/api/clinics/{clinicId}/timeslots, /api/timeslots, /api/doctors/{doctorId}/slots, /api/doctors/slots and
/api/doctors/{doctorId}/schedule"""

from uuid import UUID

from litestar import Controller, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import created_response, json_response
from ...http.routes import route
from ...kit import clock
from ...kit.ids import clinic_of
from ...kit.structs import Page, PageQuery
from . import service
from .model import (
    DoctorSlot,
    DoctorSlotContent,
    Schedule,
    ScheduleQuery,
    TimeSlot,
    TimeSlotContent,
    WeeklySchedule,
    WeeklyScheduleContent,
)

CACHE_CONTROL = "public, no-cache"


class TimeSlots(Controller):
    """Named parts of a clinic's day, such as morning and afternoon. They do not overlap."""

    tags = ["Time slots"]

    @get("/clinics/{clinic_id:int}/timeslots", operation_id="listTimeSlots", opt=route(permission="public"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: PageQuery) -> Response[Page[TimeSlot]]:
        """List a clinic's active time slots, earliest first."""
        place = cursor_after(request, query, tuple[str])
        slots = await request.cache.get(clinic_id, "time_slots", lambda: service.list_time_slots(request.db, clinic_id))
        rest = [slot for slot in slots if place is None or (slot.start_time,) > place]
        return page_response(
            request, query, rest[: query.limit + 1], lambda slot: (slot.start_time,), cache_control=CACHE_CONTROL
        )

    @post(
        "/clinics/{clinic_id:int}/timeslots",
        operation_id="createTimeSlot",
        opt=route(permission="manage", problems=("clinic-inactive", "time-slots-intersect")),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[TimeSlotContent]
    ) -> Response[TimeSlot]:
        """Add a time slot to a clinic."""
        slot, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add_time_slot(tx, request.user, clinic_id=clinic_id, content=data),
            service.get_time_slot,
            clinic_id=clinic_id,
        )
        return created_response(request, slot, f"/api/timeslots/{slot.id}", replayed=replayed)

    @get("/timeslots/{time_slot_id:uuid}", operation_id="getTimeSlot", opt=route(permission="public"))
    async def find(self, request: Request, time_slot_id: FromPath[UUID]) -> Response[TimeSlot]:
        """Return a time slot, whether active or removed."""
        return json_response(
            request, await service.get_time_slot(request.db, time_slot_id), cache_control=CACHE_CONTROL
        )

    @put(
        "/timeslots/{time_slot_id:uuid}",
        operation_id="replaceTimeSlot",
        opt=route(permission="manage", problems=("time-slots-intersect", "schedule-lines-overlap")),
    )
    async def replace(
        self, request: Request, time_slot_id: FromPath[UUID], data: JSONBody[TimeSlotContent]
    ) -> Response[TimeSlot]:
        """Change a time slot. From today on, schedule lines taken from it change with it. Past weeks keep their hours,
        and published booking slots do not change."""
        clinic_id = clinic_of(time_slot_id)
        slot = await request.change(
            clinic_id,
            service.change_time_slot,
            request.user,
            time_slot_id=time_slot_id,
            content=data,
            if_match=request.if_match,
            now=clock.now(),
        )
        return json_response(request, slot)

    @delete(
        "/timeslots/{time_slot_id:uuid}",
        operation_id="removeTimeSlot",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage", problems=("time-slot-in-use",)),
    )
    async def remove(self, request: Request, time_slot_id: FromPath[UUID]) -> None:
        """Remove a time slot that no weekly schedule uses from today on."""
        clinic_id = clinic_of(time_slot_id)
        await request.change(
            clinic_id,
            service.remove_time_slot,
            request.user,
            time_slot_id=time_slot_id,
            if_match=request.if_match,
            now=clock.now(),
        )


class Schedules(Controller):
    """Doctors' weekly hours, line by line or as a whole week. Saving them does not publish booking slots."""

    tags = ["Schedules"]

    @get("/doctors/{doctor_id:uuid}/slots", operation_id="listDoctorSlots", opt=route(permission="public"))
    async def list(self, request: Request, doctor_id: FromPath[UUID], query: PageQuery) -> Response[Page[DoctorSlot]]:
        """List the lines in a doctor's weekly schedule, including past and future ones, starting with Monday."""
        place = cursor_after(request, query, tuple[int, str, str, UUID])
        lines = (await self._schedule(request, doctor_id)).lines
        rest = [line for line in lines if place is None or line.place > place]
        return page_response(
            request, query, rest[: query.limit + 1], lambda line: line.place, cache_control=CACHE_CONTROL
        )

    @post(
        "/doctors/{doctor_id:uuid}/slots",
        operation_id="createDoctorSlot",
        opt=route(permission="schedule", owned_by="doctor_id", problems=("schedule-lines-overlap",)),
    )
    async def create(
        self, request: Request, doctor_id: FromPath[UUID], data: JSONBody[DoctorSlotContent]
    ) -> Response[DoctorSlot]:
        """Add a line to a doctor's weekly schedule."""
        line, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add_line(tx, request.user, doctor_id=doctor_id, content=data),
            service.get_doctor_slot,
            clinic_id=clinic_of(doctor_id),
        )
        return created_response(request, line, f"/api/doctors/slots/{line.id}", replayed=replayed)

    @get("/doctors/slots/{doctor_slot_id:uuid}", operation_id="getDoctorSlot", opt=route(permission="public"))
    async def find(self, request: Request, doctor_slot_id: FromPath[UUID]) -> Response[DoctorSlot]:
        """Return a line in a weekly schedule, whether active or removed."""
        return json_response(
            request, await service.get_doctor_slot(request.db, doctor_slot_id), cache_control=CACHE_CONTROL
        )

    @put(
        "/doctors/slots/{doctor_slot_id:uuid}",
        operation_id="replaceDoctorSlot",
        opt=route(permission="schedule", owned_by="doctor_slot_id", problems=("schedule-lines-overlap",)),
    )
    async def replace(
        self, request: Request, doctor_slot_id: FromPath[UUID], data: JSONBody[DoctorSlotContent]
    ) -> Response[DoctorSlot]:
        """Change a line in a weekly schedule."""
        clinic_id = clinic_of(doctor_slot_id)
        line = await request.change(
            clinic_id,
            service.change_line,
            request.user,
            doctor_slot_id=doctor_slot_id,
            content=data,
            if_match=request.if_match,
        )
        return json_response(request, line)

    @delete(
        "/doctors/slots/{doctor_slot_id:uuid}",
        operation_id="removeDoctorSlot",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="schedule", owned_by="doctor_slot_id"),
    )
    async def remove(self, request: Request, doctor_slot_id: FromPath[UUID]) -> None:
        """Remove a line from a weekly schedule."""
        clinic_id = clinic_of(doctor_slot_id)
        await request.change(
            clinic_id,
            service.remove_line,
            request.user,
            doctor_slot_id=doctor_slot_id,
            if_match=request.if_match,
            now=clock.now(),
        )

    @get("/doctors/{doctor_id:uuid}/schedule", operation_id="getSchedule", opt=route(permission="public"))
    async def week(self, request: Request, doctor_id: FromPath[UUID], query: ScheduleQuery) -> Response[WeeklySchedule]:
        """Return a doctor's whole week as it applies today or on a given date."""
        schedule = await self._schedule(request, doctor_id)
        return json_response(
            request,
            schedule.week_on(query.on or clock.local_date(clock.now(), schedule.time_zone)),
            cache_control=CACHE_CONTROL,
        )

    @put(
        "/doctors/{doctor_id:uuid}/schedule",
        operation_id="replaceSchedule",
        opt=route(permission="schedule", owned_by="doctor_id"),
    )
    async def set_week(
        self, request: Request, doctor_id: FromPath[UUID], data: JSONBody[WeeklyScheduleContent]
    ) -> Response[WeeklySchedule]:
        """Replace a doctor's whole week from a given date onwards. Earlier lines end the day before; later ones are
        removed."""
        week = await request.change(
            clinic_of(doctor_id),
            service.set_week,
            request.user,
            doctor_id=doctor_id,
            content=data,
            if_match=request.if_match,
            now=clock.now(),
        )
        return json_response(request, week)

    async def _schedule(self, request: Request, doctor_id: UUID) -> Schedule:
        return await request.cache.get(
            clinic_of(doctor_id), f"schedule:{doctor_id}", lambda: service.get_schedule(request.db, doctor_id)
        )
