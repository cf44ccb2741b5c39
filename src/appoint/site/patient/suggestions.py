"""What the search on the start page suggests while someone types.

A script asks for it; without scripts, the search is a plain form.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from babel import Locale
from litestar import Response, get

from ...booking.finding import suggestions
from ...booking.finding.suggestions import Suggestions
from ...clinics.doctors import specialties
from ...http.forms import query_params
from ...http.languages import language_for, language_tag_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.i18n import translate
from ...kit.places import Place
from ...kit.regions import likely_region
from ..rendering import render

MAX_AGE: Final = "private, max-age=60"


class Option(NamedTuple):
    text: str
    detail: str
    field: str = ""
    """The field to fill in and search with, or empty if the option leads to a page."""
    value: str = ""
    page: str = ""


@get(
    "/suggestions",
    operation_id="suggestSearches",
    opt=route(permission="public", page=True, rate_limit="search"),
    include_in_schema=False,
)
async def show(request: Request) -> Response[Any]:
    """Return a list box of suggestions for what someone has typed so far, as `q` or as `where`. Empty without any."""
    query, db, cache = query_params(request), request.stale_db, request.cache
    home = likely_region(language_tag_for(request))
    field = "where" if "where" in query else "q"
    text = query.get(field, "")
    results = (
        await suggestions.suggest_places(db, cache, text, home=home)
        if field == "where"
        else await suggestions.suggest(db, cache, text, home=home, now=clock.now())
    )
    options = _options(results, language_for(request))
    return render(request, "patient/suggestions.html", cache_control=MAX_AGE, field=field, options=options)


def _options(results: Suggestions, language: str) -> list[Option]:
    by_specialty = translate(language, "Specialty")
    names = [specialties.name_of(code, language) for code in results.specialties]
    return [
        *(Option(name, by_specialty, "q", name) for name in names),
        *(
            Option(each.name, each.clinic, page=f"/c/{each.slug}?doctor={each.doctor_id}")
            if each.doctor_id
            else Option(each.name, ", ".join((each.address or "").splitlines()), page=f"/c/{each.slug}")
            for each in results.names
        ),
        *(_place_option(each, language, is_only_country=len(results.countries) == 1) for each in results.places),
    ]


def _place_option(place: Place, language: str, *, is_only_country: bool) -> Option:
    countries = cast("Mapping[str, str]", Locale.parse(language).territories)
    country = countries.get(place.country, place.country)
    return Option(place.name, country, "where", place.name if is_only_country else f"{place.name}, {place.country}")


PAGES: Final = [show]
