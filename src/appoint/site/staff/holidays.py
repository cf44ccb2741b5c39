"""Public holidays, on which a clinic can be closed with one click."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final, cast

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
    opt=route(permission="schedule", page=True),
    include_in_schema=False,
)
async def holidays(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """List the public holidays in the next twelve months, so that the clinic can be closed on some of them."""
    authorize(request, clinic_id=clinic_id, doctor_id=None)
    language = language_for(request)
    listing = await _find(request, clinic_id)
    names = cast("Mapping[str, str]", Locale.parse(language).territories)
    return await staff_page(
        request,
        "staff/absences/holidays.html",
        clinic_id=clinic_id,
        place="absences",
        subjects=[each.closure_id for each in listing.holidays if each.closure_id],
        listing=listing,
        countries=sorted(((code, names.get(code, code)) for code in known_countries()), key=itemgetter(1)),
        regions=list(known_regions(listing.country).items()) if listing.country else [],
    )


async def _find(request: Request, clinic_id: int) -> Any:
    """Return the holidays in the country and region given in the URL, or in the country alone if it doesn't contain the
    region.
    """
    query, language, now = query_params(request), language_for(request), clock.now()
    parameters = {"country": query.get("country") or None, "region": query.get("region") or None}
    try:
        place = msgspec.convert(parameters, HolidayQuery)
        return await service.list_holidays(request.db, clinic_id, place, language=language, now=now)
    except (msgspec.ValidationError, errors.Invalid):
        country = parameters["country"] if parameters["country"] in known_countries() else None
        return await service.list_holidays(
            request.db, clinic_id, HolidayQuery(country=country), language=language, now=now
        )


PAGES: Final = [holidays]
