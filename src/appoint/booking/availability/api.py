"""/api/…/availability: times that can be booked now."""

from datetime import date
from operator import attrgetter
from uuid import UUID

import msgspec
from litestar import Controller, Response, get
from litestar.params import FromPath

from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from ...kit.errors import Fault, Invalid
from ...kit.fields import FIRST_YEAR, LAST_YEAR
from ...kit.structs import Page
from ..request_context import visible_doctors
from . import search
from .model import Availability, AvailabilityFilter, DayFilter, FoundTime, Place, SearchFilter
from .next_free import NextFree, NextFreeFilter, find_next_free
from .responses import CACHE_CONTROL, availability_response, dates, days_response, doctor_availability_response


class AvailabilityQueries(Controller):
    tags = ["Availability"]

    @get("/clinics/{clinic_id:int}/availability", operation_id="getClinicAvailability", opt=route(permission="public"))
    async def of_clinic(
        self, request: Request, clinic_id: FromPath[int], query: AvailabilityFilter
    ) -> Response[Availability]:
        """List a clinic's free times on up to 62 dates, with a separate entry for each doctor."""
        return await availability_response(request, clinic_id, query)

    @get("/doctors/{doctor_id:uuid}/availability", operation_id="getDoctorAvailability", opt=route(permission="public"))
    async def of_doctor(
        self, request: Request, doctor_id: FromPath[UUID], query: AvailabilityFilter
    ) -> Response[Availability]:
        """List a doctor's free times."""
        return await doctor_availability_response(request, doctor_id, query)

    @get("/clinics/{clinic_id:int}/freeslots/{day:str}", operation_id="getFreeSlots", opt=route(permission="public"))
    async def free_slots(
        self, request: Request, clinic_id: FromPath[int], day: FromPath[str], query: DayFilter
    ) -> Response[Availability]:
        """List a clinic's free times on one day, given as `yyyy-mm-dd`."""
        try:
            on = msgspec.convert(day, date)
        except msgspec.ValidationError:
            raise Invalid(Fault("day", "must be a date, such as 2027-03-01")) from None
        if not FIRST_YEAR <= on.year <= LAST_YEAR:
            raise Invalid(Fault("day", "must be between the years 1900 and 2999"))
        return await days_response(request, clinic_id, query, first=on, last=on)

    @get(
        "/clinics/{clinic_id:int}/nextFreeTimes",
        operation_id="listNextFreeTimes",
        opt=route(permission="list-appointments", narrows=True),
    )
    async def next_free(self, request: Request, clinic_id: FromPath[int], query: NextFreeFilter) -> Response[NextFree]:
        """List the next free times for an appointment type, with one doctor or with any doctor. The clinic's notice
        period and horizon are ignored, because they apply only to patients. Doctors see only their own times."""
        next_free = await find_next_free(
            request.db,
            request.cache,
            clinic_id=clinic_id,
            query=query,
            doctor_ids=visible_doctors(request, query.doctor_id),
            now=clock.now(),
        )
        return json_response(request, next_free, subjects=())

    @get("/availability/search", operation_id="searchAvailability", opt=route(permission="public", rate_limit="search"))
    async def search(self, request: Request, query: SearchFilter) -> Response[Page[FoundTime]]:
        """Find free times across clinics, earliest first. The range is limited to 7 dates, which are local to each
        clinic."""
        first, last = dates(query)
        results = await search.search(
            request.db, query=query, after=cursor_after(request, query, Place), first=first, last=last, now=clock.now()
        )
        return page_response(request, query, results, attrgetter("place"), cache_control=CACHE_CONTROL)
