"""Find a clinic's next free times for its staff, to whom its notice period and horizon do not apply."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Annotated, ClassVar, Final
from uuid import UUID

import msgspec

from ...clinics.audience import UNKNOWN, PatientFacts, accepting
from ...clinics.catalogue import service as catalogues
from ...clinics.catalogue.model import Catalogue, CatalogueDoctor, CatalogueType, Length
from ...database.pool import Statements
from ...kit import clock, errors, fields
from ...kit.cache import ClinicCache
from ...kit.structs import RequestBody
from ..repository import find_patient_facts
from . import repository
from .full_days import without_full_days
from .model import NO_BUFFERS, AnyMinutes, DoctorTime, OfferedTime, Terms, starts, without_full_slots

MAX_SEARCH_DAYS: Final = 183
"""The maximum number of days to search after the first one."""
MAX_DOCTOR_DAYS: Final = 2000
"""The maximum number of doctor-days (doctors times days) that one search reads, which limits its cost when every day is
full. It allows `MAX_SEARCH_DAYS` for ten doctors, 20 days for a hundred, and a single day for two thousand.
"""


class NextFreeFilter(RequestBody):
    EXAMPLE: ClassVar = {"from": "2027-03-01"}

    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """The first day; today by default."""
    appointment_type_id: UUID | None = None
    """Return times for this appointment type. If neither this nor `minutes` is given, return whole booking slots."""
    minutes: AnyMinutes | None = None
    """The length of the times in minutes, as an alternative to an appointment type."""
    doctor_id: UUID | None = None
    """Return only this doctor's times."""
    birth_date: fields.Date | None = None
    """The patient's date of birth. A search for any doctor leaves out those who see a different age group, unless they
    all do.
    """
    known_patient: bool | None = None
    """Whether the patient has been to the clinic before. A search for any doctor leaves out those who don't see such
    patients, unless none of them do."""
    customer_id: UUID | None = None
    """One of the clinic's patients, instead of `birthDate` and `knownPatient`."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=50, description="maximum number of times")] = 6

    def __post_init__(self) -> None:
        if self.appointment_type_id and self.minutes:
            raise errors.Invalid(errors.Fault("#/minutes", "is already set by the appointment type"))


class FreeTime(msgspec.Struct, rename="camel", frozen=True):
    start_time: datetime
    end_time: datetime
    doctor_id: UUID
    doctor: str
    """The doctor's name."""
    date: date
    """The local date at the clinic."""


class NextFree(msgspec.Struct, rename="camel", frozen=True):
    """A clinic's next free times, earliest first. A time at which several doctors are free appears once.

    At clinics with many doctors, one search covers fewer days. If nothing is free on those, there are no times, and
    `nextDay` is the first day that has not been searched.
    """

    clinic_id: int
    time_zone: str
    first: date
    """The first day that was searched."""
    times: list[FreeTime]
    next_day: date | None
    """The day to search from for times on later days; null if there are no free times within half a year."""


async def find_next_free(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    query: NextFreeFilter,
    doctor_ids: Sequence[UUID] | None,
    now: datetime,
) -> NextFree:
    """Return the clinic's next free times, with the given doctors or with any doctor.

    Every read uses the same statement, whose cost depends on the number of doctors and days. Read one day first, then
    twice as many days each time until there are enough times or `MAX_DOCTOR_DAYS` have been read. Raise `NotFound` for
    an unknown clinic, doctor or type.
    """

    async def attempt(catalogue: Catalogue, _: int) -> NextFree:
        return await _search(db, catalogue, query, doctor_ids, now)

    return await catalogues.with_fresh(db, cache, clinic_id, attempt, exhausted=errors.Unavailable())


async def _search(
    db: Statements, catalogue: Catalogue, query: NextFreeFilter, doctor_ids: Sequence[UUID] | None, now: datetime
) -> NextFree:
    type = catalogue.types.get(query.appointment_type_id) if query.appointment_type_id else None
    if (query.appointment_type_id and not type) or not all(id in catalogue.doctors for id in doctor_ids or ()):
        raise errors.NotFound
    doctors = [
        doctor
        for doctor in catalogue.doctors_for(query.appointment_type_id)
        if doctor_ids is None or doctor.id in doctor_ids
    ]
    if query.doctor_id is None:
        patient = await _patient(db, catalogue, query)
        day = query.from_ or clock.local_date(now, catalogue.time_zone)
        doctors = accepting(doctors, type, patient, day, is_named=False) or doctors
    length = Length.of(type) if type else Length(query.minutes) if query.minutes else None
    today = clock.local_date(now, catalogue.time_zone)
    first = day = max(query.from_ or today, today)
    last = first + timedelta(days=MAX_SEARCH_DAYS)
    readable_days = max(MAX_DOCTOR_DAYS // max(len(doctors), 1), 1)
    end = min(last, first + timedelta(days=readable_days - 1))
    step = timedelta(days=1)
    free_times: list[FreeTime] = []
    while doctors and day <= end and len(free_times) < query.limit:
        until = min(day + step - timedelta(days=1), end)
        times = await _load(db, catalogue, doctors, type=type, length=length, first=day, last=until)
        free_times += _earliest(catalogue, times, length, (day, until), now=now, limit=query.limit - len(free_times))
        day, step = until + timedelta(days=1), step * 2
    unread = day if doctors and day <= last else None
    next_day = free_times[-1].date + timedelta(days=1) if free_times else unread
    return NextFree(catalogue.clinic_id, catalogue.time_zone, first, free_times, next_day)


async def _patient(db: Statements, catalogue: Catalogue, query: NextFreeFilter) -> PatientFacts:
    """Return the facts that decide which doctors see the patient. Return none for customers who are not the clinic's
    patients, because the times must not reveal their age."""
    if query.customer_id is None or not catalogue.is_selective:
        return PatientFacts(query.birth_date, query.known_patient)
    facts = await find_patient_facts(db, clinic_id=catalogue.clinic_id, customer_ids=[query.customer_id])
    patient = facts.get(query.customer_id, UNKNOWN)
    return patient if patient.is_known else UNKNOWN


async def _load(
    db: Statements,
    catalogue: Catalogue,
    doctors: Sequence[CatalogueDoctor],
    *,
    type: CatalogueType | None,
    length: Length | None,
    first: date,
    last: date,
) -> list[DoctorTime]:
    before, after = (length.before, length.after) if length else NO_BUFFERS
    doctors = await without_full_days(db, catalogue, doctors, length, first=first, last=last)
    times = await repository.load_doctors_time(
        db, catalogue, doctors=doctors, type=type, first=first, last=last, before=before, after=after
    )
    if len(times) < len(doctors):
        raise catalogues.Stale
    return times


def _earliest(
    catalogue: Catalogue,
    times: Sequence[DoctorTime],
    length: Length | None,
    days: tuple[date, date],
    *,
    now: datetime,
    limit: int,
) -> list[FreeTime]:
    """Return the earliest free times on these days, without duplicates. They are always among each doctor's own
    earliest times.
    """
    terms = Terms.for_staff(catalogue, now)
    offers: dict[datetime, tuple[date, OfferedTime]] = {}
    for doctor in map(without_full_slots, times):
        free = ((day, offer) for day, offer in starts(doctor, length, terms) if offer.available)
        for day, offer in islice(((day, offer) for day, offer in free if days[0] <= day <= days[1]), limit):
            offers.setdefault(offer.start_time, (day, offer))
    return [
        FreeTime(offer.start_time, offer.end_time, offer.doctor_id, catalogue.doctors[offer.doctor_id].name, day)
        for _, (day, offer) in sorted(offers.items())[:limit]
    ]
