"""A clinic's doctor. A person who works at two clinics is two doctors."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ...kit import fields
from ...kit.structs import PageQuery, RequestBody, Resource
from ..audience import Age, Patients, check_ages
from . import languages

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
Title = Annotated[fields.Name, Meta(examples=["Consultant dermatologist"])]
SpecialtyCode = Annotated[str, Meta(pattern="^[0-9]{6,18}" + fields.END_OF_TEXT, examples=["394582007"])]
SpecialtyCodes = Annotated[list[SpecialtyCode], Meta(max_length=5)]
LanguageCode = Annotated[
    str, Meta(pattern="^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?" + fields.END_OF_TEXT, examples=["de"])
]
LanguageCodes = Annotated[list[LanguageCode], Meta(max_length=20)]


class DoctorContent(RequestBody):
    """A doctor's details."""

    name: DoctorName
    specialty: Specialty | None = None
    email: fields.Email | None = None
    appointment_type_ids: AppointmentTypeIds | None = None
    title: Title | None = None
    """The doctor's position or qualification, shown below the name."""
    specialties: SpecialtyCodes = msgspec.field(default_factory=list[str])
    """SNOMED CT codes from the list of specialties. If this is empty, Appoint looks for `specialty` in the list."""
    languages: LanguageCodes = msgspec.field(default_factory=list[str])
    """The languages that the doctor speaks, as BCP 47 codes, such as `de`, `fa-AF` or `gsg` (German Sign Language)."""
    min_age: Age | None = None
    """The age of the youngest patients that the doctor sees."""
    max_age: Age | None = None
    """The age of the oldest patients that the doctor sees."""
    patients: Patients = "everyone"
    """Whether the doctor sees everyone, only new patients, or only patients who have been to the clinic before."""

    def __post_init__(self) -> None:
        check_ages(self.min_age, self.max_age)
        languages.check(self.languages)


class DoctorPatch(RequestBody):
    name: DoctorName | UnsetType = UNSET
    specialty: Specialty | None | UnsetType = UNSET
    email: fields.Email | None | UnsetType = UNSET
    appointment_type_ids: AppointmentTypeIds | None | UnsetType = UNSET
    title: Title | None | UnsetType = UNSET
    specialties: SpecialtyCodes | None | UnsetType = UNSET
    languages: LanguageCodes | None | UnsetType = UNSET
    min_age: Age | None | UnsetType = UNSET
    max_age: Age | None | UnsetType = UNSET
    patients: Patients | None | UnsetType = UNSET
    active: Literal[True] | UnsetType = UNSET
    """Restores a removed doctor, but not their published hours. To remove one, use `DELETE`."""

    def __post_init__(self) -> None:
        languages.check(self.languages if self.languages is not UNSET else None)


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
    """Visible only to the clinic's own staff and partner systems; null for everyone else."""
    appointment_type_ids: list[UUID] | None
    """null for all the clinic's types."""
    title: str | None
    specialties: list[str]
    languages: list[str]
    min_age: int | None
    max_age: int | None
    patients: Patients
    portrait_hash: str | None
    """The hash in the portrait's address, `/images/{clinicId}/{hash}.webp`; null if there is none."""
    active: bool
    removed_at: datetime | None

    def for_public(self) -> "Doctor":
        """Return the doctor without the email address that the clinic uses to contact them and perhaps sign them in."""
        return msgspec.structs.replace(self, email=None)
