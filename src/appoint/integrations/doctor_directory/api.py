"""/api/providers"""

from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...booking.availability.model import Availability, AvailabilityFilter
from ...booking.availability.responses import doctor_availability_response
from ...clinics.clinics import repository as clinics
from ...clinics.doctors import service as doctors
from ...clinics.doctors.model import Doctor, DoctorContent
from ...database.pool import Transaction
from ...http.access import authorize
from ...http.idempotency.keys import idempotent
from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import created_response, json_response, replay_headers
from ...http.routes import route
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ...scheduling.weekly_hours import service as schedules
from ...scheduling.weekly_hours.model import WeeklySchedule, WeeklyScheduleContent
from .model import ProviderContent


class Providers(Controller):
    """Providers are doctors under another name, with the same schedules and free times."""

    path = "/providers"
    tags = ["Providers"]

    @post(operation_id="createProvider", opt=route(permission="manage", problems=("clinic-inactive", "which-clinic")))
    async def create(self, request: Request, data: JSONBody[ProviderContent]) -> Response[Doctor]:
        """Add a doctor to a clinic. The clinic is optional if there is only one."""
        clinic_id = data.clinic_id
        if clinic_id is None:
            active_clinics = await clinics.list_active(
                request.db, q=None, after=None, limit=1
            )  # at most two, which is one more than the limit
            if len(active_clinics) != 1:
                raise errors.Conflict("which-clinic")
            clinic_id = active_clinics[0].id
        authorize(request, clinic_id=clinic_id)
        content = msgspec.convert(data, DoctorContent, from_attributes=True)
        doctor, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: doctors.add(tx, request.user, clinic_id=clinic_id, content=content),
            doctors.get,
            clinic_id=clinic_id,
        )
        return created_response(request, doctor, f"/api/doctors/{doctor.id}", replayed=replayed)

    @post(
        "/{provider_id:uuid}/schedule",
        operation_id="setProviderSchedule",
        status_code=HTTP_200_OK,
        opt=route(permission="schedule", owned_by="provider_id"),
    )
    async def set_week(
        self, request: Request, provider_id: FromPath[UUID], data: JSONBody[WeeklyScheduleContent]
    ) -> Response[WeeklySchedule]:
        """Replace a doctor's whole week from a given date, without a version check."""
        now = clock.now()

        async def recall(tx: Transaction, _: object) -> WeeklySchedule:
            schedule = await schedules.get_schedule(tx, provider_id)
            return schedule.week_on(data.valid_from or clock.local_date(now, schedule.time_zone))

        week, replayed = await idempotent(
            request,
            data,
            lambda tx: schedules.set_week(tx, request.user, doctor_id=provider_id, content=data, if_match="*", now=now),
            remember=lambda _: None,
            recall=recall,
            clinic_id=clinic_of(provider_id),
        )
        return json_response(request, week, headers=replay_headers(replayed))

    @get(
        "/{provider_id:uuid}/availability",
        operation_id="getProviderAvailability",
        opt=route(permission="public", stale=True),
    )
    async def availability(
        self, request: Request, provider_id: FromPath[UUID], query: AvailabilityFilter
    ) -> Response[Availability]:
        """List a doctor's free times."""
        return await doctor_availability_response(request, provider_id, query)
