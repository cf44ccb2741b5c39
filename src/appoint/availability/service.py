"""Looking for a time."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from heapq import merge
from itertools import chain, groupby, islice
from typing import Final, NamedTuple
from uuid import UUID

from .. import errors, ids
from ..caching import ClinicCache
from ..catalogue import repository as catalogues
from ..catalogue import service as catalogue
from ..catalogue.model import Catalogue, CatalogueDoctor, Length
from ..database.pool import Statements
from . import repository
from .model import Availability, AvailabilityFilter, Day, DayFilter, DoctorTime, FoundTime, SearchFilter, Start, Terms, shown, starts

LOOK_AHEAD_DAYS: Final = 14
FIRST_WINDOW: Final = timedelta(hours=3)


class Asked(NamedTuple):
    """What is looked for in one clinic."""

    catalogue: Catalogue
    doctors: Sequence[CatalogueDoctor]
    length: Length | None


async def of_clinic(
    db: Statements, cache: ClinicCache, *, clinic_id: int, asked: AvailabilityFilter | DayFilter, first: date, last: date, now: datetime
) -> Availability:
    """Every time on the local dates `first…last` (inclusive) at which someone can really be booked at `now`.

    One query; one more for each fortnight that `nextAvailable` has to look ahead. A cached catalogue that turns out old is read again first.
    Raises `NotFound` for a clinic, doctor or type that is not there.
    """
    book = await catalogue.of(db, cache, clinic_id)
    what = _asked(book, asked)
    offers = await _starts(db, what, first, last, now)
    if offers is None:
        book = await catalogue.afresh(db, cache, clinic_id)
        what = _asked(book, asked)
        offers = await _starts(db, what, first, last, now) or []
    by_date = {day: list(group) for day, group in groupby(sorted(offers, key=lambda offer: (offer.slot.date, offer)), key=lambda offer: offer.slot.date)}
    days: list[Day] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        todays = by_date.get(day, [])
        visible = [shown(offer) for offer in todays if offer.available or asked.show == "all"]
        days.append(Day(day, sum(offer.available for offer in todays), visible))
    upcoming = next((offer for offer in sorted(offers) if offer.available), None) or await _next_after(db, what, last, now)
    return Availability(clinic_id, book.time_zone, asked.appointment_type_id, days, shown(upcoming) if upcoming else None)


def _asked(book: Catalogue, asked: AvailabilityFilter | DayFilter) -> Asked:
    length = length_of(book, asked.appointment_type_id, asked.minutes)
    if asked.doctor_id and asked.doctor_id not in book.doctors:
        raise errors.NotFound
    doctors = [doctor for doctor in book.offering(asked.appointment_type_id) if asked.doctor_id in (None, doctor.id)]
    offered = book.active and (asked.appointment_type_id is None or book.types[asked.appointment_type_id].active)
    return Asked(book, doctors if offered else [], length)


def length_of(book: Catalogue, appointment_type_id: UUID | None, minutes: int | None) -> Length | None:
    """The length that a type or a number of minutes asks for; None for whole slots. Raises `NotFound` for a type that the clinic has not."""
    if appointment_type_id is None:
        return Length(minutes) if minutes else None
    if appointment_type_id not in book.types:
        raise errors.NotFound
    return Length.of(book.types[appointment_type_id])


async def _starts(db: Statements, asked: Asked, first: date, last: date, now: datetime) -> list[Start] | None:
    """The starts on the dates, or None when the catalogue is older than the database."""
    if not asked.doctors:
        return []
    version, versions, times = await repository.doctors_time(
        db, clinic_id=asked.catalogue.clinic_id, doctor_ids=[doctor.id for doctor in asked.doctors], first=first, last=last, time_zone=asked.catalogue.time_zone
    )
    if version != asked.catalogue.version or versions != {doctor.id: doctor.version for doctor in asked.doctors}:
        return None
    terms = Terms.of(asked.catalogue, now)
    return list(chain.from_iterable(starts(time, asked.length, terms) for time in times))


async def _next_after(db: Statements, asked: Asked, day: date, now: datetime) -> Start | None:
    last = asked.catalogue.last_date(now)
    day = max(day, asked.catalogue.last_date(now) - timedelta(days=asked.catalogue.horizon_days + 1))
    while day < last:
        until = min(day + timedelta(days=LOOK_AHEAD_DAYS), last)
        found = await _starts(db, asked, day + timedelta(days=1), until, now)
        if first := min((offer for offer in found or () if offer.available), default=None):
            return first
        day = until
    return None


async def around(db: Statements, book: Catalogue, *, doctors: Sequence[CatalogueDoctor], day: date, now: datetime) -> list[DoctorTime] | None:
    """The doctors' time within a week of a date, as far as the clinic allows bookings: what a refusal is explained by, and its alternatives taken
    from. None when the catalogue is older than the database."""
    middle = min(max(day, book.last_date(now) - timedelta(days=book.horizon_days)), book.last_date(now))
    week = timedelta(days=7)
    version, versions, times = await repository.doctors_time(
        db, clinic_id=book.clinic_id, doctor_ids=[doctor.id for doctor in doctors], first=middle - week, last=middle + week, time_zone=book.time_zone
    )
    stale = doctors and (version != book.version or versions != {doctor.id: doctor.version for doctor in doctors})
    return None if stale else times


async def search(
    db: Statements, cache: ClinicCache, *, asked: SearchFilter, after: tuple[datetime, int, UUID] | None, first: date, last: date, now: datetime
) -> list[FoundTime]:
    """Available times across clinics on each one's own local dates `first…last`, earliest first, by (start, clinic, doctor) from `after` on.

    Looks at the dates in windows that grow until the page is full, so that a page costs what it shows and not what there is.
    """
    found_clinics = await catalogues.clinics_with(db, clinic_id=asked.clinic_id, specialty=asked.specialty, appointment_type_id=asked.appointment_type_id)
    books = [await catalogue.of(db, cache, clinic_id) for clinic_id in found_clinics]
    doctors = {doctor.id: doctor for book in books for doctor in _matching(book, asked)}
    if not doctors:
        return []
    span = await repository.local_days(db, time_zones=[book.time_zone for book in books], first=first, last=last)
    by_clinic = {book.clinic_id: book for book in books}
    page: list[FoundTime] = []
    start = max(span.start, now, after[0] if after else now)
    width = FIRST_WINDOW
    while len(page) <= asked.limit and start < span.end:
        end = min(start + width, span.end)
        times = await repository.everyones_time(db, doctor_ids=list(doctors), first=first, last=last, start=start, end=end)
        offers = merge(*(_available(time, by_clinic[ids.clinic_of(time.doctor_id)], asked, start, end, now) for time in times))
        fresh = (offer for offer in offers if after is None or offer[:3] > after)
        for offered, clinic_id, doctor_id, until in islice(fresh, asked.limit + 1 - len(page)):
            book, doctor = by_clinic[clinic_id], doctors[doctor_id]
            page.append(FoundTime(clinic_id, book.name, book.time_zone, doctor_id, doctor.name, doctor.specialty, offered, until))
        start, width = end, width * 2
    return page


def _matching(book: Catalogue, asked: SearchFilter) -> Iterator[CatalogueDoctor]:
    if asked.appointment_type_id and not (asked.appointment_type_id in book.types and book.types[asked.appointment_type_id].active):
        return
    for doctor in book.offering(asked.appointment_type_id):
        if asked.specialty is None or (doctor.specialty or "").lower() == asked.specialty.lower():
            yield doctor


def _available(
    time: DoctorTime, book: Catalogue, asked: SearchFilter, start: datetime, end: datetime, now: datetime
) -> Iterator[tuple[datetime, int, UUID, datetime]]:
    """A doctor's available starts in `[start, end)`, as search sorts them, with their ends."""
    for offer in starts(time, length_of(book, asked.appointment_type_id, asked.minutes), Terms.of(book, now)):
        if offer.start >= end:
            return
        if offer.available and offer.start >= start:
            yield offer.start, book.clinic_id, offer.doctor_id, offer.end
