"""/api/clinics/{clinicId}/publicHolidays"""

from urllib.parse import urlencode

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...http.access import authorize
from ...http.languages import language_for
from ...http.request import Request, idempotency_key
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from ..absences.model import AbsenceQuery
from . import service
from .model import AddedClosures, ClosureIds, ClosureUndo, HolidayClosures, HolidayQuery, PublicHolidays


class Holidays(Controller):
    path = "/clinics/{clinic_id:int}/publicHolidays"
    tags = ["Absences"]

    @get("/", operation_id="listPublicHolidays", opt=route(permission="see-absences"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: HolidayQuery) -> Response[PublicHolidays]:
        """List the public holidays of a country or region, by default the clinic's country and the next twelve months.
        Each says whether the clinic is closed that day."""
        holidays = await service.list_holidays(
            request.db, clinic_id, query, language=language_for(request), now=clock.now()
        )
        closures = [each.closure_id for each in holidays.holidays if each.closure_id]
        return json_response(request, holidays, subjects=closures)

    @post(
        "/close",
        operation_id="closeOnPublicHolidays",
        status_code=HTTP_200_OK,
        opt=route(permission="schedule", problems=("appointments-in-the-way",)),
    )
    async def close(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[HolidayClosures], query: AbsenceQuery
    ) -> Response[AddedClosures]:
        """Close the clinic all day on public holidays: add an absence for each, with its name as the reason, and
        withdraw the time published that day. Days on which the clinic is already closed stay as they are.

        To remove the closures again, use `undo.url`.
        """
        authorize(request, clinic_id=clinic_id, doctor_id=None)
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        closures = await request.db.atomic(
            service.close, request.user, clinic_id=clinic_id, request=data, force=query.force, now=clock.now()
        )
        ids = [("absenceIds", closure.id) for closure in closures]
        url = f"/api/clinics/{clinic_id}/publicHolidays/reopen?{urlencode(ids)}"
        return json_response(request, AddedClosures(closures, ClosureUndo(url) if closures else None))

    @post(
        "/reopen",
        operation_id="reopenOnPublicHolidays",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="schedule"),
    )
    async def reopen(self, request: Request, clinic_id: FromPath[int], query: ClosureIds) -> None:
        """Remove closures of the clinic, and publish the weekly hours for those days again."""
        authorize(request, clinic_id=clinic_id, doctor_id=None)
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        await request.db.atomic(
            service.reopen, request.user, clinic_id=clinic_id, absence_ids=query.absence_ids, now=clock.now()
        )
