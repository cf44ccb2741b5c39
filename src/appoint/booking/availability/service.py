"""Find free times."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from itertools import islice
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID

from ...clinics.catalogue import service as catalogues
from ...clinics.catalogue.model import Catalogue, CatalogueDoctor, CatalogueType, Length
from ...database.pool import Row, Statements
from ...kit import clock, errors, ids
from ...kit.cache import ClinicCache
from . import repository
from .model import (
    Availability,
    AvailabilityFilter,
    Day,
    DayFilter,
    DoctorTime,
    FoundTime,
    OfferedTime,
    Place,
    SearchFilter,
    Terms,
    nearest,
    starts,
)

LOOK_AHEAD: Final = timedelta(days=14)
"""How far `nextAvailable` looks beyond the range at first; each further look goes twice as far."""
LONGEST_BUFFER: Final = timedelta(minutes=720)
EASTERNMOST: Final = timedelta(hours=14)
WESTERNMOST: Final = timedelta(hours=-12)
SEARCH_WINDOW: Final = timedelta(hours=6)
SEARCHED_SLOTS: Final = 128
"""What search reads at first: so many slots, of so many hours. Each grows while there are more, or none."""
MAX_SLOTS: Final = 1024
SOON_DAYS: Final = 7
LOWEST_ID: Final = UUID(int=0)
"""Sorts before every doctor."""


class Asked(NamedTuple):
    """A query within one clinic."""

    doctors: Sequence[CatalogueDoctor]
    type: CatalogueType | None
    length: Length | None
    """None: whole slots."""


async def of_clinic(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    asked: AvailabilityFilter | DayFilter,
    first: date,
    last: date,
    now: datetime,
) -> Availability:
    """Return every time on the local dates `first…last` (inclusive) that can be booked at `now`.

    One query; when nothing is free on the dates, a few more for `nextAvailable`. A stale cached
    catalogue is reloaded. Raise `NotFound` for an unknown clinic, doctor or type.
    """

    async def attempt(catalogue: Catalogue, _: int) -> Availability:
        return await _availability(db, catalogue, asked, first=first, last=last, now=now)

    return await catalogues.with_fresh(db, cache, clinic_id, attempt, exhausted=errors.Unavailable())


async def _availability(
    db: Statements,
    catalogue: Catalogue,
    asked: AvailabilityFilter | DayFilter,
    *,
    first: date,
    last: date,
    now: datetime,
) -> Availability:
    what = _asked(catalogue, asked)
    terms = Terms.of(catalogue, now)
    days: dict[date, list[OfferedTime]] = {first + timedelta(days=n): [] for n in range((last - first).days + 1)}
    for doctor in await _times(db, catalogue, what, first, last):
        for day, offer in starts(doctor, what.length, terms):
            if day in days and (offer.available or asked.show == "all"):
                days[day].append(offer)
    if len(what.doctors) > 1:
        for offers in days.values():
            offers.sort(key=attrgetter("start_time"))  # keeps the doctors' order
    free = [offer for offers in days.values() for offer in offers if offer.available]
    shown = [Day(day, sum(offer.available for offer in offers), offers) for day, offers in days.items()]
    return Availability(
        catalogue.clinic_id,
        catalogue.time_zone,
        asked.appointment_type_id,
        shown,
        free[0] if free else await _next_after(db, catalogue, what, terms, last),
    )


def _asked(catalogue: Catalogue, asked: AvailabilityFilter | DayFilter) -> Asked:
    type = catalogue.types.get(asked.appointment_type_id) if asked.appointment_type_id else None
    if (asked.appointment_type_id and not type) or (asked.doctor_id and asked.doctor_id not in catalogue.doctors):
        raise errors.NotFound
    doctors = [catalogue.doctors[asked.doctor_id]] if asked.doctor_id else catalogue.doctors.values()
    offered = catalogue.active and (type is None or type.active)
    return Asked(
        [doctor for doctor in doctors if offered and doctor.active and doctor.offers(asked.appointment_type_id)],
        type,
        Length.of(type) if type else Length(asked.minutes) if asked.minutes else None,
    )


async def _times(db: Statements, catalogue: Catalogue, asked: Asked, first: date, last: date) -> list[DoctorTime]:
    """Return the doctors' time on the dates. Raise `catalogues.Stale`."""
    if not asked.doctors:
        return []
    before, after = (asked.length.before, asked.length.after) if asked.length else (timedelta(), timedelta())
    times = await repository.doctors_time(
        db, catalogue, doctors=asked.doctors, type=asked.type, first=first, last=last, before=before, after=after
    )
    if len(times) < len(asked.doctors):
        raise catalogues.Stale
    return times


async def _next_after(
    db: Statements, catalogue: Catalogue, asked: Asked, terms: Terms, day: date
) -> OfferedTime | None:
    """Return the first available time after a date, searching in ever longer steps."""
    day = max(day, clock.local_date(terms.earliest, terms.time_zone) - timedelta(days=1))
    step = LOOK_AHEAD
    while day < terms.last_date and asked.doctors:
        until = min(day + step, terms.last_date)
        times = await _times(db, catalogue, asked, day + timedelta(days=1), until)
        # the date is looked at for a slot that reaches over midnight: what is claimed before was not read
        firsts = (
            next((offer for date, offer in starts(doctor, asked.length, terms) if offer.available and date > day), None)
            for doctor in times
        )
        if found := min(filter(None, firsts), key=attrgetter("start_time"), default=None):
            return found
        day, step = until, step * 2
    return None


async def around(
    db: Statements, catalogue: Catalogue, *, doctors: Sequence[CatalogueDoctor], day: date
) -> list[DoctorTime] | None:
    """Return the doctors' time within a week of a date, to explain a refusal and find alternatives. None when the
    catalogue is stale."""
    week = timedelta(days=7)
    times = await repository.doctors_time(
        db,
        catalogue,
        doctors=doctors,
        type=None,
        first=day - week,
        last=day + week,
        before=LONGEST_BUFFER,
        after=LONGEST_BUFFER,
    )
    return None if len(times) < len(doctors) else times


async def search(
    db: Statements, *, asked: SearchFilter, seen: Place | None, first: date, last: date, now: datetime
) -> list[FoundTime]:
    """Return available times across clinics on each one's local dates `first…last`, ordered by (start, clinic, doctor),
    after `seen`; one more than the limit when there are more.

    Reads published slots in that order, and no more of them than the page needs: a slot that is not read yet has no
    time before its own place.
    """
    if asked.clinic_id and asked.appointment_type_id and ids.clinic_of(asked.appointment_type_id) != asked.clinic_id:
        return []
    begin = datetime.combine(first, time(), UTC) - EASTERNMOST
    end = datetime.combine(last, time(), UTC) + timedelta(days=1) - WESTERNMOST
    floor = Place(max(begin, now), 0, LOWEST_ID)
    seen = max(seen or floor, floor)
    place, window, most = seen, SEARCH_WINDOW, SEARCHED_SLOTS
    found: list[FoundTime] = []
    waiting: list[
        tuple[Place, FoundTime, Iterator[FoundTime]]
    ] = []  # the next time of each slot that has been read, and those after it
    while len(found) <= asked.limit and place.start < end:
        until = min(place.start + window, end)
        rows = await repository.next_slots(
            db, asked, first=first, last=last, now=now, seen=seen, place=place, until=until, most=most
        )
        for row in rows:
            _wait(waiting, _available(row, seen, first, last, now))
        if len(rows) == most:
            place, most = (
                Place(rows[-1]["since"], rows[-1]["clinic_id"], rows[-1]["doctor_id"]),
                min(most * 2, MAX_SLOTS),
            )
        else:
            place, window = Place(until, 0, LOWEST_ID), window * 2
        while waiting and waiting[0][0] <= place and len(found) <= asked.limit:
            _, offer, more = heappop(waiting)
            found.append(offer)
            _wait(waiting, more)
    return found


async def soonest(
    db: Statements, *, clinic_ids: Sequence[int], specialty: str | None, on: date | None, now: datetime, most: int
) -> dict[int, list[datetime]]:
    """Return the first bookable times of each clinic, on that local date or within `SOON_DAYS`, with a doctor of the
    specialty if one is given. One query."""
    found: dict[int, set[datetime]] = {clinic_id: set() for clinic_id in clinic_ids}
    for row in await repository.soonest_times(
        db, clinic_ids=clinic_ids, specialty=specialty, on=on, now=now, days=SOON_DAYS
    ):
        offers = starts(repository.doctor_time(row), _length(row), _terms(row, now))
        free = (offer.start_time for day, offer in offers if offer.available and on in (None, day))
        found[row["clinic_id"]].update(islice(free, most))
    return {clinic_id: sorted(times)[:most] for clinic_id, times in found.items()}


async def is_free(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    asked: DayFilter,
    start: datetime,
    end: datetime,
    now: datetime,
) -> bool:
    """Tell whether the time `[start, end)` is offered. Raise `NotFound` as `of_clinic` does."""
    catalogue = await catalogues.get(db, cache, clinic_id)
    day = clock.local_date(start, catalogue.time_zone)
    found = await of_clinic(db, cache, clinic_id=clinic_id, asked=asked, first=day, last=day, now=now)
    return any((offer.start_time, offer.end_time) == (start, end) for offer in found.days[0].slots)


async def nearest_free(
    db: Statements, cache: ClinicCache, *, clinic_id: int, asked: DayFilter, start: datetime, now: datetime
) -> list[OfferedTime]:
    """Return up to five free times, nearest to `start` first. Raise `NotFound` as `of_clinic` does."""
    catalogue = await catalogues.get(db, cache, clinic_id)
    day = min(
        max(clock.local_date(start, catalogue.time_zone), clock.local_date(now, catalogue.time_zone)),
        catalogue.last_date(now),
    )
    around = await of_clinic(
        db,
        cache,
        clinic_id=clinic_id,
        asked=asked,
        first=day - timedelta(days=7),
        last=day + timedelta(days=7),
        now=now,
    )
    return nearest([offer for day in around.days for offer in day.slots], start) or [
        offer for offer in (around.next_available,) if offer
    ]


def _wait(waiting: list[tuple[Place, FoundTime, Iterator[FoundTime]]], times: Iterator[FoundTime]) -> None:
    if time := next(times, None):
        heappush(waiting, (time.place, time, times))


def _available(row: Row, seen: Place, first: date, last: date, now: datetime) -> Iterator[FoundTime]:
    """Yield the available times that start in a row's first slot, after `seen`, on the dates."""
    zone, doctor, terms = row["time_zone"], repository.doctor_time(row), _terms(row, now)
    terms = terms._replace(last_date=min(last, terms.last_date))
    for day, offer in starts(doctor, _length(row), terms):
        if offer.start_time >= doctor.slots[0].end:
            return
        if offer.available and day >= first:
            time = FoundTime(
                row["clinic_id"],
                row["clinic_name"],
                zone,
                doctor.doctor_id,
                row["doctor_name"],
                row["specialty"],
                offer.start_time,
                offer.end_time,
            )
            if time.place > seen:
                yield time


def _length(row: Row) -> Length | None:
    return Length(row["minutes"], row["before"], row["after"]) if row["minutes"] else None


def _terms(row: Row, now: datetime) -> Terms:
    zone = row["time_zone"]
    last_date = clock.local_date(now, zone) + timedelta(days=row["horizon_days"])
    return Terms(
        zone, timedelta(minutes=row["slot_step_minutes"]), now + timedelta(minutes=row["min_notice_minutes"]), last_date
    )
