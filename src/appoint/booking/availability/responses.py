"""Responses with free times, for the availability and doctor directory operations."""

from datetime import date
from uuid import UUID

from litestar import Response

from ...http.request import Request
from ...http.responses import json_response
from ...kit import clock, ids
from ...kit.errors import NotFound
from . import service
from .model import Availability, AvailabilityFilter, SearchFilter

CACHE_CONTROL = "public, max-age=2"


async def availability_response(request: Request, clinic_id: int, query: AvailabilityFilter) -> Response[Availability]:
    """Respond with a clinic's availability."""
    first, last = dates(query)
    availability = await service.find_for_clinic(
        request.db, request.cache, clinic_id=clinic_id, query=query, first=first, last=last, now=clock.now()
    )
    return json_response(request, availability, cache_control=CACHE_CONTROL)


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
