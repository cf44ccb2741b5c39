"""Searches for clinics and what they find. The functions choose what to offer, without a database or a clock."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from operator import attrgetter
from typing import Annotated, ClassVar, Final, NamedTuple
from uuid import UUID

import msgspec

from ...clinics.audience import Age, PatientFacts, Patients, accepting, sees_strangers, unfitness
from ...clinics.catalogue.model import Length
from ...clinics.doctors.model import LanguageCode
from ...kit import fields
from ...kit.places import Place
from ...kit.structs import PageQuery
from ..availability.model import DoctorTime, Terms, starts, without_full_slots

MAX_KM: Final = 1000


class ClinicSearch(PageQuery):
    EXAMPLE: ClassVar = {"q": "dermatology", "place": "10557 Berlin", "withinKm": "25"}

    limit: Annotated[int, msgspec.Meta(ge=1, le=20, description="maximum number of clinics")] = 12
    q: fields.ShortText | None = None
    """A clinic, a doctor, a specialty or a reason for the visit. Accents and small spelling mistakes do not matter."""
    place: fields.ShortText | None = None
    """A town or a postal code, such as `Berlin`, `10557` or `Boston, US`. The nearest clinics come first."""
    within_km: Annotated[int, msgspec.Meta(ge=1, le=MAX_KM)] | None = None
    """How far from the place, in kilometres; needs `place`."""
    specialty: fields.ShortText | None = None
    """A SNOMED CT code from the list of specialties, or a specialty's full name in any language."""
    language: LanguageCode | None = None
    """A language that the doctor speaks, as an ISO 639 code."""
    age: Age | None = None
    """The patient's age. Leaves out doctors who see another age group."""
    new_patient: bool | None = None
    """Whether the patient is new to the clinic. Leaves out doctors who see only the others."""
    date: fields.Date | None = None
    """Return the free times on this day. Without it, return the next ones within 14 days."""


class Criteria(NamedTuple):
    """What a visitor looks for."""

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
    """A clinic that a search has found."""

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
    """Whether patients book the clinic's slots whole, because it has no appointment types."""
    terms: Terms
    time: DoctorTime

    def type_for(self, patient: PatientFacts, day: date) -> OfferedType | None:
        """Return the type to offer the patient: the shortest of those that the search asked for, if there are any."""
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
    """null if patients book the clinic's slots whole."""
    appointment_type: str | None
    """The type's name."""


class FoundClinic(msgspec.Struct, rename="camel", frozen=True):
    """A clinic that a search has found, with its next free times."""

    clinic_id: int
    name: str
    slug: str
    """The last part of the address of the clinic's page."""
    address: str | None
    time_zone: str
    distance_km: float | None
    """From the place in the search, as the crow flies; null without one."""
    doctors: list[FoundDoctor]
    """The doctors who match, at most 20."""
    times: list[NextTime]
    """The next free times with these doctors, at most three."""


def offer(
    match: Match, doctors: Iterable[CandidateDoctor], criteria: Criteria, *, now: datetime, limit: int
) -> FoundClinic | None:
    """Return the clinic with its next free times for the patient. None if none of its doctors sees them."""
    today = now.date()
    patient = criteria.facts(today)
    names_match: Collection[UUID] = match.named_ids or ()
    candidates = list(doctors)
    accepted = accepting(
        candidates, None, patient, today, is_named=any(doctor.id in names_match for doctor in candidates)
    )
    offers: list[NextTime] = []
    faces: list[FoundDoctor] = []
    for doctor in accepted:
        type = doctor.type_for(patient, today)
        if type or doctor.whole_slots:
            faces.append(
                FoundDoctor(
                    doctor.id, doctor.name, doctor.title, doctor.specialty, doctor.specialties, doctor.languages
                )
            )
            offers += _first_times(doctor, type, criteria.on, limit)
    if not faces:
        return None
    by_start = {each.start_time: each for each in sorted(offers, key=lambda each: (each.start_time, each.doctor))[::-1]}
    return FoundClinic(
        match.id,
        match.name,
        match.slug,
        match.address,
        match.time_zone,
        None if match.km is None else round(match.km, 1),
        faces,
        [by_start[start] for start in sorted(by_start)[:limit]],
    )


def with_later_times(clinic: FoundClinic, later: FoundClinic, *, limit: int) -> FoundClinic:
    """Return the clinic with times from a search that covers more days, but perhaps fewer of its doctors."""
    by_start = {time.start_time: time for time in (*later.times, *clinic.times)}
    return msgspec.structs.replace(clinic, times=[by_start[start] for start in sorted(by_start)[:limit]])


def _first_times(doctor: CandidateDoctor, type: OfferedType | None, on: date | None, limit: int) -> Iterable[NextTime]:
    free = (
        NextTime(
            offer.start_time, offer.end_time, doctor.id, doctor.name, type and type.id, type.name if type else None
        )
        for day, offer in starts(without_full_slots(doctor.time), type and type.length, doctor.terms)
        if offer.available and on in (None, day)
    )
    return islice(free, limit)


def _years_before(day: date, years: int) -> date:
    """Return the birth date of someone who is that old today and for the next year."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return date(day.year - years, 2, 28)
