"""/api/…/availability: times that can be booked now."""

from datetime import date
from operator import attrgetter
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath

from ...clinics.cells.everywhere import MISSING_CELLS, answer, read_question
from ...clinics.cells.network import cells_of
from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from ...kit.errors import Fault, Invalid
from ...kit.fields import FIRST_YEAR, LAST_YEAR
from ...kit.structs import Page
from ..request_context import visible_doctors
from . import everywhere
from .model import Availability, AvailabilityFilter, DayFilter, FoundTime, SearchFilter, SearchPosition
from .next_free import NextFree, NextFreeFilter, find_next_free
from .responses import CACHE_CONTROL, availability_response, days_response, doctor_availability_response


class AvailabilityQueries(Controller):
    tags = ["Availability"]

    @get(
        "/clinics/{clinic_id:int}/availability",
        operation_id="getClinicAvailability",
        opt=route(permission="public", stale=True),
    )
    async def of_clinic(
        self, request: Request, clinic_id: FromPath[int], query: AvailabilityFilter
    ) -> Response[Availability]:
        """List a clinic's free times on up to 62 dates, with a separate entry for each doctor."""
        return await availability_response(request, clinic_id, query)

    @get(
        "/doctors/{doctor_id:uuid}/availability",
        operation_id="getDoctorAvailability",
        opt=route(permission="public", stale=True),
    )
    async def of_doctor(
        self, request: Request, doctor_id: FromPath[UUID], query: AvailabilityFilter
    ) -> Response[Availability]:
        """List a doctor's free times."""
        return await doctor_availability_response(request, doctor_id, query)

    @get(
        "/clinics/{clinic_id:int}/freeslots/{day:str}",
        operation_id="getFreeSlots",
        opt=route(permission="public", stale=True),
    )
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

    @get(
        "/availability/search",
        operation_id="searchAvailability",
        opt=route(permission="public", rate_limit="search", stale=True, headers=(MISSING_CELLS,)),
    )
    async def search(self, request: Request, query: SearchFilter) -> Response[Page[FoundTime]]:
        """Find free times across clinics, earliest first. The range is limited to 7 dates, which are local to each
        clinic.

        On a platform with several cells, this searches all of them. `Appoint-Missing-Cells` names those that did not
        respond in time."""
        time_search = everywhere.TimeSearch(query, cursor_after(request, query, SearchPosition))
        cells = cells_of(request)
        if cells is None or query.clinic_id or query.appointment_type_id:
            results = everywhere.FoundTimes(
                await everywhere.find_here(request.stale_db, time_search, now=clock.now()), []
            )
        else:
            results = await everywhere.find(
                cells, request.stale_db, time_search, now=clock.now(), address=request.user.address or ""
            )
        response = page_response(request, query, results.times, attrgetter("place"), cache_control=CACHE_CONTROL)
        if results.silent:
            response.headers[MISSING_CELLS] = ", ".join(results.silent)
        return response


@post(
    everywhere.PATH,
    operation_id="searchAvailabilityForCells",
    status_code=200,
    opt=route(permission="public", rate_limit="search", stale=True),
    include_in_schema=False,
)
async def search_times_for_cells(request: Request) -> Response[bytes]:
    """Return the free times in this cell that match another cell's search."""
    query = read_question(request, await request.body(), everywhere.TimeSearch)
    return answer(await everywhere.find_here(request.stale_db, query, now=clock.now()))
