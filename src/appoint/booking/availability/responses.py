"""Responses with free times, for the availability and doctor directory operations."""

from datetime import date
from uuid import UUID

from litestar import Response

from ...http.recent_responses import remember_response
from ...http.request import Request
from ...http.responses import encoded_response
from ...kit import clock, ids
from ...kit.errors import NotFound
from . import recent
from .model import Availability, AvailabilityFilter, DayFilter, SearchFilter

CACHE_CONTROL = "public, max-age=2"


async def availability_response(request: Request, clinic_id: int, query: AvailabilityFilter) -> Response[Availability]:
    """Respond with a clinic's availability."""
    first, last = dates(query)
    return await days_response(request, clinic_id, query, first=first, last=last)


async def days_response(
    request: Request, clinic_id: int, query: AvailabilityFilter | DayFilter, *, first: date, last: date
) -> Response[Availability]:
    """Respond with a clinic's availability on the dates. It may be a second old, as `CACHE_CONTROL` also allows."""
    db, cache = request.stale_db, request.cache
    document = await recent.find_recent(
        db, cache, clinic_id=clinic_id, query=query, first=first, last=last, now=clock.now()
    )
    scope, key = recent.scope_of(clinic_id, query, first, last), recent.key_of(db, query)
    remember_response(request, request.services, scope, key, cache_control=CACHE_CONTROL)
    return encoded_response(request, document, cache_control=CACHE_CONTROL)


async def doctor_availability_response(
    request: Request, doctor_id: UUID, query: AvailabilityFilter
) -> Response[Availability]:
    """Respond with a doctor's availability. Raise `NotFound` if the query names a different doctor."""
    if query.doctor_id not in (None, doctor_id):
        raise NotFound
    query.doctor_id = doctor_id
    return await availability_response(request, ids.clinic_of(doctor_id), query)


def dates(query: AvailabilityFilter | SearchFilter) -> tuple[date, date]:
    """Return a query's first and last dates."""
    first, last = query.date or query.from_, query.date or query.to
    assert first, "checked by the query"
    assert last, "checked by the query"
    return first, last
