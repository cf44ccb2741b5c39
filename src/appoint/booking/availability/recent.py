"""Free times as JSON documents, which are reused for a second (`kit/recent_values.py`)."""

from collections.abc import Hashable
from datetime import date, datetime

from ...database.pool import Statements
from ...http.responses import Encoded
from ...kit.cache import ClinicCache
from ...kit.recent_values import Computed, Scope
from . import service
from .model import AvailabilityFilter, DayFilter


async def find_recent(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    query: AvailabilityFilter | DayFilter,
    first: date,
    last: date,
    now: datetime,
) -> Encoded:
    """Return what `service.find_for_clinic` returns as JSON. Changes by other processes may be missing for a second."""

    async def compute() -> Computed[Encoded]:
        availability = await service.find_for_clinic(
            db, cache, clinic_id=clinic_id, query=query, first=first, last=last, now=now
        )
        document = Encoded.of(availability)
        is_free = any(day.free for day in availability.days)
        # otherwise, it contains the next available time, or says that there is none
        return Computed(document, len(document.body), last if is_free else date.max)

    return await cache.recent.get(scope_of(clinic_id, query, first, last), key_of(db, query), compute)


def scope_of(clinic_id: int, query: AvailabilityFilter | DayFilter, first: date, last: date) -> Scope:
    return Scope(clinic_id, query.doctor_id, first, last)


def key_of(db: Statements, query: AvailabilityFilter | DayFilter) -> Hashable:
    """Return what distinguishes the documents of a scope. Callers who need the newest data, because they have changed
    something, never get a document that was computed for others."""
    return (db.freshness, query.appointment_type_id, query.minutes, query.birth_date, query.known_patient, query.show)
