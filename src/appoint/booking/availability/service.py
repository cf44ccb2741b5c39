"""Find a clinic's free times."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID

from ...clinics.audience import UNKNOWN, Acceptance
from ...clinics.catalogue import service as catalogues
from ...clinics.catalogue.model import Catalogue, CatalogueDoctor, CatalogueType, Length
from ...database.pool import Statements
from ...kit import clock, errors
from ...kit.cache import ClinicCache
from . import repository
from .full_days import ONE_DAY, runs_of, without_full_days
from .model import (
    NO_BUFFERS,
    Availability,
    AvailabilityFilter,
    Day,
    DayFilter,
    DoctorTime,
    OfferedTime,
    Terms,
    nearest,
    patient_of,
    starts,
)

FIRST_DOCTORS: Final = 32
"""The number of doctors whose free days are read first. Each further read covers four times as many."""
FIRST_LOOK_AHEAD: Final = timedelta(days=14)
"""How far beyond the range the first search for `nextAvailable` looks. Each further search covers twice as much."""
MAX_BUFFER: Final = timedelta(minutes=720)
ONE_WEEK: Final = timedelta(days=7)


class ClinicQuery(NamedTuple):
    """A query within one clinic."""

    doctors: Sequence[CatalogueDoctor]
    type: CatalogueType | None
    length: Length | None
    """None for whole slots."""
    acceptance: Acceptance
    """The doctors who can see the patient."""

    def starts(self, doctor: DoctorTime, terms: Terms) -> Iterator[tuple[date, OfferedTime]]:
        """Yield the doctor's times on days when they can see the patient."""
        for day, offer in starts(doctor, self.length, terms):
            if self.acceptance.accepts(offer.doctor_id, day):
                yield day, offer


async def find_for_clinic(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    query: AvailabilityFilter | DayFilter,
    first: date,
    last: date,
    now: datetime,
    own_doctor_id: UUID | None = None,
) -> Availability:
    """Return every time on the local dates `first…last` (inclusive) that can be booked at `now`. When an appointment is
    being moved, `own_doctor_id` is its doctor, who still sees the patient whatever their age.

    This runs one statement, plus a few more for `nextAvailable` if nothing is free on those dates. A stale cached
    catalogue is reloaded. Raise `NotFound` for an unknown clinic, doctor or type.
    """

    async def attempt(catalogue: Catalogue, _: int) -> Availability:
        clinic_query = _resolve(catalogue, query, own_doctor_id)
        return await _availability(db, catalogue, clinic_query, query, first=first, last=last, now=now)

    return await catalogues.with_fresh(db, cache, clinic_id, attempt, exhausted=errors.Unavailable())


async def _availability(
    db: Statements,
    catalogue: Catalogue,
    clinic_query: ClinicQuery,
    query: AvailabilityFilter | DayFilter,
    *,
    first: date,
    last: date,
    now: datetime,
) -> Availability:
    terms = Terms.of(catalogue, now)
    days: dict[date, list[OfferedTime]] = {first + timedelta(days=n): [] for n in range((last - first).days + 1)}
    shows_all, doctors = query.show == "all", clinic_query.doctors
    if not shows_all:
        doctors = await without_full_days(db, catalogue, doctors, clinic_query.length, first=first, last=last)
    for doctor in await _times(db, catalogue, clinic_query._replace(doctors=doctors), first, last):
        for day, offer in clinic_query.starts(doctor, terms):
            if (shows_all or offer.available) and day in days:
                days[day].append(offer)
    if len(clinic_query.doctors) > 1:
        for offers in days.values():
            offers.sort(key=attrgetter("start_time"))  # keeps the doctors' order
    first_free = next((offer for offers in days.values() for offer in offers if offer.available), None)
    return Availability(
        catalogue.clinic_id,
        catalogue.time_zone,
        query.appointment_type_id,
        [Day(day, sum(offer.available for offer in offers), offers) for day, offers in days.items()],
        first_free or await _next_after(db, catalogue, clinic_query, terms, last),
    )


def _resolve(catalogue: Catalogue, query: AvailabilityFilter | DayFilter, own_doctor_id: UUID | None) -> ClinicQuery:
    own_doctor = catalogue.doctors.get(own_doctor_id) if own_doctor_id else None
    type = catalogue.types.get(query.appointment_type_id) if query.appointment_type_id else None
    if (query.appointment_type_id and not type) or (query.doctor_id and query.doctor_id not in catalogue.doctors):
        raise errors.NotFound
    doctors = [catalogue.doctors[query.doctor_id]] if query.doctor_id else catalogue.doctors.values()
    is_offered = catalogue.active and (type is None or type.active)
    offering = [
        doctor for doctor in doctors if is_offered and doctor.active and doctor.offers(query.appointment_type_id)
    ]
    return ClinicQuery(
        offering,
        type,
        Length.of(type) if type else Length(query.minutes) if query.minutes else None,
        Acceptance(
            offering,
            None if own_doctor else type,
            patient_of(query),
            is_named=query.doctor_id is not None,
            own_doctor=own_doctor,
        ),
    )


async def _times(db: Statements, catalogue: Catalogue, query: ClinicQuery, first: date, last: date) -> list[DoctorTime]:
    """Return the doctors' time on the dates, or raise `catalogues.Stale`."""
    if not query.doctors:
        return []
    before, after = (query.length.before, query.length.after) if query.length else NO_BUFFERS
    times = await repository.load_doctors_time(
        db, catalogue, doctors=query.doctors, type=query.type, first=first, last=last, before=before, after=after
    )
    if len(times) < len(query.doctors):
        raise catalogues.Stale
    return times


async def _next_after(
    db: Statements, catalogue: Catalogue, query: ClinicQuery, terms: Terms, day: date
) -> OfferedTime | None:
    """Return the first available time after a date, searching in increasingly long steps."""
    day = max(day, clock.local_date(terms.earliest, terms.time_zone) - timedelta(days=1))
    step = FIRST_LOOK_AHEAD
    while day < terms.last_date and query.doctors:
        until = min(day + step, terms.last_date)
        if len(query.doctors) >= repository.MANY_DOCTORS:
            free = await _free_days(db, catalogue, query, terms, first=day + ONE_DAY, last=until)
            if not free:
                day, step = until, step * 2
                continue
            day, until = min(free) - ONE_DAY, min(free)
        doctors = await without_full_days(db, catalogue, query.doctors, query.length, first=day + ONE_DAY, last=until)
        times = await _times(db, catalogue, query._replace(doctors=doctors), day + ONE_DAY, until)
        # compare the date too: a slot can begin before midnight, on a date whose claims were not read
        firsts = (
            next((offer for date, offer in query.starts(doctor, terms) if offer.available and date > day), None)
            for doctor in times
        )
        if earliest := min(filter(None, firsts), key=attrgetter("start_time"), default=None):
            return earliest
        day, step = until, step * 2
    return None


async def load_day(
    db: Statements,
    catalogue: Catalogue,
    *,
    doctors: Sequence[CatalogueDoctor],
    type: CatalogueType | None,
    day: date,
) -> list[DoctorTime]:
    """Return the doctors' time on a date. Raise `Stale` if the catalogue is."""
    length = Length.of(type) if type else None
    query = ClinicQuery(doctors, type, length, Acceptance(doctors, type, UNKNOWN, is_named=True))
    return await _times(db, catalogue, query, day, day)


async def find_free_days(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    query: AvailabilityFilter | DayFilter,
    first: date,
    last: date,
    now: datetime,
    own_doctor_id: UUID | None = None,
) -> set[date]:
    """Return the local dates from `first` to `last` on which at least one time can be booked at `now`.

    For a clinic with many doctors, this costs much less than finding all their times: it reads a few doctors at a time
    until each day on which anyone works has a time, and leaves out doctors whose days are full. Raise `NotFound` under
    the same conditions as `find_for_clinic`.
    """

    async def attempt(catalogue: Catalogue, _: int) -> set[date]:
        clinic_query = _resolve(catalogue, query, own_doctor_id)
        return await _free_days(db, catalogue, clinic_query, Terms.of(catalogue, now), first=first, last=last)

    return await catalogues.with_fresh(db, cache, clinic_id, attempt, exhausted=errors.Unavailable())


async def _free_days(
    db: Statements, catalogue: Catalogue, query: ClinicQuery, terms: Terms, *, first: date, last: date
) -> set[date]:
    clinic_id, minutes = catalogue.clinic_id, query.length and query.length.minutes
    left = set(await repository.list_published_days(db, clinic_id, first=first, last=last, now=terms.earliest))
    full = await repository.list_full_days(db, clinic_id, first=first, last=last, minutes=minutes) if left else {}
    free: set[date] = set()
    doctors: Sequence[CatalogueDoctor] = query.doctors
    size = FIRST_DOCTORS
    while left and doctors:
        doctors = [doctor for doctor in doctors if not left <= full.get(doctor.id, set())]
        batch, doctors = query._replace(doctors=doctors[:size]), doctors[size:]
        size *= 4
        for since, until in runs_of(left):
            for doctor in await _times(db, catalogue, batch, since, until):
                free |= {day for day, offer in batch.starts(doctor, terms) if offer.available and since <= day <= until}
        left -= free
    return free


async def load_around(
    db: Statements, catalogue: Catalogue, *, doctors: Sequence[CatalogueDoctor], day: date
) -> list[DoctorTime] | None:
    """Return the doctors' time within a week of a date, for explaining a refusal and finding alternatives. Return None
    if the catalogue is stale."""
    times = await repository.load_doctors_time(
        db,
        catalogue,
        doctors=doctors,
        type=None,
        first=day - ONE_WEEK,
        last=day + ONE_WEEK,
        before=MAX_BUFFER,
        after=MAX_BUFFER,
    )
    return None if len(times) < len(doctors) else times


async def is_free(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    query: DayFilter,
    start: datetime,
    end: datetime,
    now: datetime,
) -> bool:
    """Return whether the time `[start, end)` is offered. Raise `NotFound` under the same conditions as `of_clinic`."""
    catalogue = await catalogues.get(db, cache, clinic_id)
    day = clock.local_date(start, catalogue.time_zone)
    availability = await find_for_clinic(db, cache, clinic_id=clinic_id, query=query, first=day, last=day, now=now)
    return any((offer.start_time, offer.end_time) == (start, end) for offer in availability.days[0].slots)


async def find_nearest_free(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    query: DayFilter,
    start: datetime,
    now: datetime,
    own_doctor_id: UUID | None = None,
) -> list[OfferedTime]:
    """Return up to five free times, those nearest to `start` first. Raise `NotFound` under the same conditions as
    `of_clinic`."""
    catalogue = await catalogues.get(db, cache, clinic_id)
    day = min(
        max(clock.local_date(start, catalogue.time_zone), clock.local_date(now, catalogue.time_zone)),
        catalogue.last_date(now),
    )
    availability = await find_for_clinic(
        db,
        cache,
        clinic_id=clinic_id,
        query=query,
        first=day - ONE_WEEK,
        last=day + ONE_WEEK,
        now=now,
        own_doctor_id=own_doctor_id,
    )
    return nearest([offer for day in availability.days for offer in day.slots], start) or [
        offer for offer in (availability.next_available,) if offer
    ]
