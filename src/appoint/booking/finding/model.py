"""Searches for clinics, and what they find."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Annotated, ClassVar, Final, NamedTuple
from uuid import UUID

import msgspec

from ...clinics.audience import Age, PatientFacts, Patients, sees_strangers, unfitness
from ...clinics.catalogue.model import Length
from ...clinics.doctors.model import LanguageCode
from ...kit import fields
from ...kit.places import Place
from ...kit.structs import PageQuery
from ..availability.model import DoctorTime, Terms

MAX_KM: Final = 1000


class ClinicSearch(PageQuery):
    EXAMPLE: ClassVar = {"q": "dermatology", "place": "10557 Berlin", "withinKm": "25"}

    limit: Annotated[int, msgspec.Meta(ge=1, le=20, description="maximum number of clinics")] = 12
    q: fields.ShortText | None = None
    """A clinic, a doctor, a specialty or a reason for the visit. Accents and small spelling mistakes do not matter."""
    place: fields.ShortText | None = None
    """A town or a postal code, such as `Berlin`, `10557` or `Boston, US`. The nearest clinics come first."""
    within_km: Annotated[int, msgspec.Meta(ge=1, le=MAX_KM)] | None = None
    """The maximum distance from the place, in kilometres. Requires `place`."""
    specialty: fields.ShortText | None = None
    """A SNOMED CT code from the list of specialties, or a specialty's full name in any language."""
    language: LanguageCode | None = None
    """A language that the doctor speaks, as an ISO 639 code."""
    age: Age | None = None
    """The patient's age. Leaves out doctors who see a different age group."""
    new_patient: bool | None = None
    """Whether the patient is new to the clinic. Leaves out doctors who see only the other kind of patient."""
    date: fields.Date | None = None
    """Return the free times on this day. Without it, return the next ones within 14 days."""


class Criteria(NamedTuple):
    """What a visitor is looking for."""

    text: str | None = None
    codes: Sequence[str] = ()
    """The specialties that the text could mean."""
    place: Place | None = None
    within_km: float | None = None
    specialty: str | None = None
    """A code, or a name that is not in the list."""
    language: str | None = None
    age: int | None = None
    is_new: bool | None = None
    on: date | None = None

    def facts(self, day: date) -> PatientFacts:
        """Return what the visitor has said about the patient."""
        birth_date = None if self.age is None else _years_before(day, self.age)
        return PatientFacts(birth_date, None if self.is_new is None else not self.is_new)


class Match(NamedTuple):
    """A clinic found by a search."""

    id: int
    name: str
    slug: str
    address: str | None
    time_zone: str
    km: float | None
    named_ids: Sequence[UUID] | None
    """The doctors whose names match the text."""
    type_ids: Sequence[UUID] | None
    """The appointment types whose names match the text."""
    doctor_ids: Sequence[UUID]
    rank: float
    """The distance or, in a search without a place, how much worse the match is than any other. The lowest is first."""
    sort_name: str


class SuggestedName(NamedTuple):
    """A clinic or, with an id of its own, a doctor."""

    doctor_id: UUID | None
    name: str
    clinic_id: int
    slug: str
    clinic: str
    address: str | None


class OfferedType(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    minutes: int
    before: int
    after: int
    min_age: int | None
    max_age: int | None
    patients: Patients
    matches: bool | None
    """Whether the visitor has searched for it."""

    @property
    def length(self) -> Length:
        return Length(self.minutes, timedelta(minutes=self.before), timedelta(minutes=self.after))


class CandidateDoctor(NamedTuple):
    """A doctor with everything that a search needs to know."""

    clinic_id: int
    id: UUID
    name: str
    title: str | None
    specialty: str | None
    specialties: list[str]
    languages: list[str]
    min_age: int | None
    max_age: int | None
    patients: Patients
    types: list[OfferedType]
    whole_slots: bool
    """Whether patients book whole slots, because the clinic has no appointment types."""
    terms: Terms
    time: DoctorTime

    def type_for(self, patient: PatientFacts, day: date) -> OfferedType | None:
        """Return the type to offer the patient: the shortest of the suitable ones, preferring those that the search
        asked for.
        """
        fitting = [type for type in self.types if unfitness(type, patient, day) is None]
        asked_for = [type for type in fitting if type.matches] or fitting
        suitable = [type for type in asked_for if sees_strangers(type, patient)] or asked_for
        return min(suitable, key=attrgetter("minutes"), default=None)


class FoundDoctor(msgspec.Struct, rename="camel", frozen=True):
    id: UUID
    name: str
    title: str | None
    specialty: str | None
    """In the clinic's own words."""
    specialties: list[str]
    """SNOMED CT codes."""
    languages: list[str]


class NextTime(msgspec.Struct, rename="camel", frozen=True):
    """A time that can be booked."""

    start_time: datetime
    end_time: datetime
    doctor_id: UUID
    doctor: str
    """The doctor's name."""
    appointment_type_id: UUID | None
    """null if patients book whole slots."""
    appointment_type: str | None
    """The type's name."""


class FoundClinic(msgspec.Struct, rename="camel", frozen=True):
    """A clinic found by a search, with its next free times."""

    clinic_id: int
    name: str
    slug: str
    """The last part of the address of the clinic's page."""
    address: str | None
    time_zone: str
    distance_km: float | None
    """The distance from the place in the search, as the crow flies; null if the search has no place."""
    doctors: list[FoundDoctor]
    """The doctors who match, at most 20."""
    times: list[NextTime]
    """The next free times with these doctors, at most three."""


def _years_before(day: date, years: int) -> date:
    """Return the birth date of someone who is that old today and for the next year."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return date(day.year - years, 2, 28)
