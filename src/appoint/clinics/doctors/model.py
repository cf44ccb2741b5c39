"""A doctor of a clinic. The same person at two clinics is two doctors."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from ...kit import fields
from ...kit.structs import PageQuery, RequestBody, Resource

AppointmentTypeIds = Annotated[
    list[UUID],
    Meta(min_length=1, max_length=1000, description="what the doctor offers; null: everything that the clinic offers"),
]
DoctorName = Annotated[fields.Name, Meta(examples=["Dr. Amara Shah"])]
Specialty = Annotated[fields.Name, Meta(examples=["Dermatology"])]


class DoctorContent(RequestBody):
    """What a caller says about a doctor."""

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
    """Brings a removed doctor back, without any published hours; `DELETE` removes."""


class DoctorFilter(PageQuery):
    specialty: fields.ShortText | None = None
    """The whole word, in capitals or not."""
    active: bool = True
    """false: the removed ones."""


class Doctor(Resource):
    id: UUID
    clinic_id: int
    name: str
    specialty: str | None
    email: str | None
    appointment_type_ids: list[UUID] | None
    """null: everything that the clinic offers."""
    active: bool
    removed_at: datetime | None
