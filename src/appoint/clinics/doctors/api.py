"""/api/clinics/{clinicId}/doctors and /api/doctors"""

from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...http.languages import language_for
from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import created_response, json_response
from ...http.routes import route
from ...kit import clock
from ...kit.ids import clinic_of
from ...kit.structs import Page
from ..clinics import service as clinics
from . import languages, repository, service, specialties
from .model import Doctor, DoctorContent, DoctorFilter, DoctorPatch


class Specialty(msgspec.Struct, frozen=True):
    code: str
    """A SNOMED CT code."""
    name: str
    """The name in the caller's language."""


class Specialties(msgspec.Struct, frozen=True):
    items: list[Specialty]


class SpokenLanguage(msgspec.Struct, frozen=True):
    code: str
    """A BCP 47 code."""
    name: str
    """The name in the caller's language."""


class SpokenLanguages(msgspec.Struct, frozen=True):
    items: list[SpokenLanguage]


class Doctors(Controller):
    tags = ["Doctors"]

    @get("/specialties", operation_id="listSpecialties", opt=route(permission="public"))
    async def list_specialties(self, request: Request) -> Response[Specialties]:
        """List the specialties that doctors can have, ordered by name."""
        items = [Specialty(*pair) for pair in specialties.choices(language_for(request))]
        return json_response(request, Specialties(items))

    @get("/languages", operation_id="listLanguages", opt=route(permission="public"))
    async def list_languages(self, request: Request) -> Response[SpokenLanguages]:
        """List the languages that doctors most often speak, ordered by name. Doctors can also have others."""
        items = [SpokenLanguage(*each) for each in languages.choices(language_for(request))]
        return json_response(request, SpokenLanguages(items))

    @get("/clinics/{clinic_id:int}/doctors", operation_id="listDoctors", opt=route(permission="public", stale=True))
    async def list(self, request: Request, clinic_id: FromPath[int], query: DoctorFilter) -> Response[Page[Doctor]]:
        """List a clinic's doctors, oldest first."""
        db, place = request.stale_db, cursor_after(request, query, tuple[UUID])
        doctors = await repository.list_doctors(
            db, clinic_id, specialty=query.specialty, active=query.active, after=place, limit=query.limit
        )
        if not doctors:
            await clinics.get(db, clinic_id)
        return page_response(
            request,
            query,
            [_visible(request, doctor) for doctor in doctors],
            lambda doctor: (doctor.id,),
            cache_control=_cache_control(request, clinic_id),
        )

    @post(
        "/clinics/{clinic_id:int}/doctors",
        operation_id="createDoctor",
        opt=route(permission="manage", problems=("clinic-inactive",)),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[DoctorContent]
    ) -> Response[Doctor]:
        """Add a doctor to a clinic."""
        doctor, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add(tx, request.user, clinic_id=clinic_id, content=data),
            service.get,
            clinic_id=clinic_id,
        )
        return created_response(request, doctor, f"/api/doctors/{doctor.id}", replayed=replayed)

    @get("/doctors/{doctor_id:uuid}", operation_id="getDoctor", opt=route(permission="public"))
    async def get(self, request: Request, doctor_id: FromPath[UUID]) -> Response[Doctor]:
        """Return a doctor, whether active or removed."""
        doctor = _visible(request, await service.get(request.db, doctor_id))
        return json_response(request, doctor, cache_control=_cache_control(request, doctor.clinic_id))

    @put("/doctors/{doctor_id:uuid}", operation_id="replaceDoctor", opt=route(permission="manage"))
    async def replace(
        self, request: Request, doctor_id: FromPath[UUID], data: JSONBody[DoctorContent]
    ) -> Response[Doctor]:
        """Replace a doctor. Omitted members take their default values."""
        return json_response(request, await self._change(request, doctor_id, data))

    @patch(
        "/doctors/{doctor_id:uuid}",
        operation_id="patchDoctor",
        opt=route(permission="manage", problems=("clinic-inactive",)),
    )
    async def patch(self, request: Request, doctor_id: FromPath[UUID], data: JSONBody[DoctorPatch]) -> Response[Doctor]:
        """Update a doctor (JSON merge patch). `active: true` restores a removed doctor."""
        return json_response(request, await self._change(request, doctor_id, data))

    @delete(
        "/doctors/{doctor_id:uuid}",
        operation_id="removeDoctor",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage", problems=("doctor-has-appointments",)),
    )
    async def remove(self, request: Request, doctor_id: FromPath[UUID]) -> None:
        """Remove a doctor and withdraw their free hours from now on. Past data remains readable."""
        await request.change(
            clinic_of(doctor_id),
            service.remove,
            request.user,
            doctor_id=doctor_id,
            if_match=request.if_match,
            now=clock.now(),
        )

    async def _change(self, request: Request, doctor_id: UUID, change: DoctorContent | DoctorPatch) -> Doctor:
        return await request.change(
            clinic_of(doctor_id),
            service.change,
            request.user,
            doctor_id=doctor_id,
            change=change,
            if_match=request.if_match,
        )


def _visible(request: Request, doctor: Doctor) -> Doctor:
    """Return the doctor as the caller may see them: only the clinic sees email addresses."""
    return doctor if request.user.acts_for(doctor.clinic_id) else doctor.for_public()


def _cache_control(request: Request, clinic_id: int) -> str:
    """Return which caches may store the response. Shared caches store only what everyone sees."""
    return "private, no-cache" if request.user.acts_for(clinic_id) else "public, no-cache"
