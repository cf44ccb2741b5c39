"""Public holidays, on which a clinic closes with one click."""

from typing import Any, Final

import msgspec
from babel import Locale
from litestar import Response, get
from litestar.params import FromPath

from ...http.access import authorize
from ...http.forms import query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...scheduling.holidays import service
from ...scheduling.holidays.model import HolidayQuery, known_countries, known_regions
from ..staff_frame import staff_page


@get(
    "/staff/{clinic_id:int}/absences/holidays",
    operation_id="showPublicHolidays",
    opt=route(permission="schedule", page=True, narrows=True),
    include_in_schema=False,
)
async def holidays(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """List the public holidays of the next twelve months, to close the clinic on some of them."""
    authorize(request, clinic_id=clinic_id, doctor_id=None)
    language = language_for(request)
    found = await _find(request, clinic_id)
    names = Locale.parse(language).territories
    return await staff_page(
        request,
        "staff/absences/holidays.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[each.closure_id for each in found.holidays if each.closure_id],
        found=found,
        countries=sorted(((code, names.get(code, code)) for code in known_countries()), key=lambda pair: pair[1]),
        regions=list(known_regions(found.country).items()) if found.country else [],
    )


async def _find(request: Request, clinic_id: int) -> Any:
    """Return the holidays of the country and region in the URL, or of the country alone if the region is not in it."""
    query, language, now = query_params(request), language_for(request), clock.now()
    wanted = {"country": query.get("country") or None, "region": query.get("region") or None}
    try:
        place = msgspec.convert(wanted, HolidayQuery)
        return await service.list_holidays(request.db, clinic_id, place, language=language, now=now)
    except (msgspec.ValidationError, errors.Invalid):
        country = wanted["country"] if wanted["country"] in known_countries() else None
        return await service.list_holidays(
            request.db, clinic_id, HolidayQuery(country=country), language=language, now=now
        )


PAGES: Final = [holidays]
