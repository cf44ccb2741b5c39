"""Find free times across clinics."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from typing import Final
from uuid import UUID

from ...database.pool import Statements
from ...kit import ids
from . import repository
from .model import FoundTime, SearchFilter, SearchPosition, SearchSlot, starts

EASTERNMOST_OFFSET: Final = timedelta(hours=14)
WESTERNMOST_OFFSET: Final = timedelta(hours=-12)
FIRST_SLOTS: Final = 128
"""The maximum number of slots in a search's first read. It doubles, up to `MAX_SLOTS`, whenever a read reaches it."""
MAX_SLOTS: Final = 1024
FIRST_WINDOW: Final = timedelta(hours=6)
"""The length of time that a search's first read covers. It doubles whenever a read reaches its end."""
LOWEST_ID: Final = UUID(int=0)
"""Sorts before every doctor."""

PendingTimes = list[tuple[SearchPosition, FoundTime, Iterator[FoundTime]]]
"""A heap of the next time in each slot read so far, with an iterator over that slot's later times."""


async def search(
    db: Statements, *, query: SearchFilter, after: SearchPosition | None, first: date, last: date, now: datetime
) -> list[FoundTime]:
    """Return available times across clinics on each clinic's local dates `first…last`, ordered by (start, clinic,
    doctor), after the cursor `after`, plus one beyond the limit if there is a next page.

    This reads published slots in the same order, and only as many as the page needs: a slot that has not been read
    cannot contain a time before its own place.
    """
    if query.clinic_id and query.appointment_type_id and ids.clinic_of(query.appointment_type_id) != query.clinic_id:
        return []
    begin = datetime.combine(first, time(), UTC) - EASTERNMOST_OFFSET
    end = datetime.combine(last, time(), UTC) + timedelta(days=1) - WESTERNMOST_OFFSET
    floor = SearchPosition(max(begin, now), 0, LOWEST_ID)
    after = max(after or floor, floor)
    place, window, limit = after, FIRST_WINDOW, FIRST_SLOTS
    results: list[FoundTime] = []
    pending: PendingTimes = []
    while len(results) <= query.limit and place.start < end:
        until = min(place.start + window, end)
        slots = await repository.find_next_slots(
            db, query, first=first, last=last, now=now, after=after, place=place, until=until, limit=limit
        )
        for slot in slots:
            _push(pending, _available(slot, after, first, last))
        if len(slots) == limit:
            place, limit = slots[-1].place, min(limit * 2, MAX_SLOTS)
        else:
            place, window = SearchPosition(until, 0, LOWEST_ID), window * 2
        while pending and pending[0][0] <= place and len(results) <= query.limit:
            _, result, later = heappop(pending)
            results.append(result)
            _push(pending, later)
    return results


def _push(pending: PendingTimes, times: Iterator[FoundTime]) -> None:
    if result := next(times, None):
        heappush(pending, (result.place, result, times))


def _available(slot: SearchSlot, after: SearchPosition, first: date, last: date) -> Iterator[FoundTime]:
    """Yield the available times that start in the slot, after the cursor and on the given dates."""
    clinic_id, terms, length, doctor = slot.offer
    terms = terms._replace(last_date=min(last, terms.last_date))
    for day, offer in starts(doctor, length, terms):
        if offer.start_time >= doctor.slots[0].end:
            return
        if offer.available and day >= first:
            result = FoundTime(
                clinic_id,
                slot.clinic_name,
                terms.time_zone,
                doctor.doctor_id,
                slot.doctor_name,
                slot.specialty,
                offer.start_time,
                offer.end_time,
            )
            if result.place > after:
                yield result
