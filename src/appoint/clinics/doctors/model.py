"""A clinic's doctor. A person who works at two clinics is two doctors."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ...kit import fields
from ...kit.structs import PageQuery, RequestBody, Resource

AppointmentTypeIds = Annotated[
    list[UUID],
    Meta(
        min_length=1,
        max_length=1000,
        description="the appointment types that the doctor offers; null for all the clinic's types",
    ),
]
DoctorName = Annotated[fields.Name, Meta(examples=["Dr. Amara Shah"])]
Specialty = Annotated[fields.Name, Meta(examples=["Dermatology"])]


class DoctorContent(RequestBody):
    """A doctor's details."""

    name: DoctorName
    specialty: Specialty | None = None
    email: fields.Email | None = None
    appointment_type_ids: AppointmentTypeIds | None = None


class DoctorPatch(RequestBody):
    name: DoctorName | UnsetType = UNSET
    specialty: Specialty | None | UnsetType = UNSET
    email: fields.Email | None | UnsetType = UNSET
    appointment_type_ids: AppointmentTypeIds | None | UnsetType = UNSET
    active: Literal[True] | UnsetType = UNSET
    """Restores a removed doctor, but not their published hours. To remove one, use `DELETE`."""


class DoctorFilter(PageQuery):
    specialty: fields.ShortText | None = None
    """The specialty's full name, ignoring case and accents."""
    active: bool = True
    """If false, return only removed doctors."""


class Doctor(Resource):
    id: UUID
    clinic_id: int
    name: str
    specialty: str | None
    email: str | None
    """Only for the clinic itself, that is, its staff and partner systems; null for everyone else."""
    appointment_type_ids: list[UUID] | None
    """null for all the clinic's types."""
    active: bool
    removed_at: datetime | None

    def for_public(self) -> "Doctor":
        """Return the doctor without the address that the clinic reaches them at, and perhaps signs them in with."""
        return msgspec.structs.replace(self, email=None)
