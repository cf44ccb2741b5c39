"""Responses with free times, for the availability operations and those of doctor directories."""

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


async def answer(request: Request, clinic_id: int, query: AvailabilityFilter) -> Response[Availability]:
    """Respond with the availability for a filter."""
    first, last = days(query)
    found = await service.of_clinic(
        request.db, request.cache, clinic_id=clinic_id, asked=query, first=first, last=last, now=clock.now()
    )
    return json_response(request, found, cache_control=CACHE_CONTROL)


async def answer_for_doctor(request: Request, doctor_id: UUID, query: AvailabilityFilter) -> Response[Availability]:
    if query.doctor_id not in (None, doctor_id):
        raise NotFound
    query.doctor_id = doctor_id
    return await answer(request, ids.clinic_of(doctor_id), query)


def days(query: AvailabilityFilter | SearchFilter) -> tuple[date, date]:
    first, last = query.date or query.from_, query.date or query.to
    assert first, "the query's own rules"
    assert last, "the query's own rules"
    return first, last
