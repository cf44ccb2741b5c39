"""The start page, where patients find a clinic."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlencode

from babel import Locale
from litestar import Response, get

from ...booking.finding import everywhere
from ...booking.finding import service as finding
from ...booking.finding.model import Criteria, FoundClinic, NextTime
from ...clinics.cells.network import cells_of
from ...clinics.doctors import specialties
from ...database.pool import Statements
from ...http.forms import query_params
from ...http.languages import language_for, language_tag_for, typed_date
from ...http.request import Request
from ...http.routes import route
from ...identity.setup import service as setup
from ...kit import clock
from ...kit.ids import MAX_CLINIC_ID
from ..filters import iso_instant
from ..rendering import render, url_with
from .search_query import BY_NAME, DISTANCES, Search, read_searches

CLINICS_PER_PAGE: Final = 12
NEAREST_CLINICS: Final = 3
"""The number of clinics to suggest if there are none within the distance."""
MAX_SPECIALTIES: Final = 4
"""The number of specialties that a result shows."""


@get(
    "/",
    operation_id="findClinics",
    opt=route(permission="public", page=True, rate_limit="search"),
    include_in_schema=False,
)
async def find(request: Request) -> Response[Any]:
    """Show clinics with their next free times, or the nearest ones if there are none within the distance."""
    query, now, db, language = query_params(request), clock.now(), request.stale_db, language_for(request)
    choices = await finding.load_choices(db, request.cache)
    day, tag = typed_date(request, query.get("date")), language_tag_for(request)
    searches = read_searches(query, day, choices.countries, tag, now)
    search, findings = searches[0], _Found([], None)
    nearest: list[FoundClinic] = []
    if not search.faults:
        search, findings = await _find_first(request, db, searches, after=query.get("after"), now=now)
        nearest = [] if findings.clinics else await _nearest(db, search.criteria, now)
    return render(
        request,
        "patient/clinic_search.html",
        search=search,
        clinics=findings.clinics,
        nearest=nearest,
        missing_cells=findings.silent,
        specialties=_specialty_choices(choices.specialties, search.criteria.specialty, language),
        languages_spoken=_language_choices(choices.languages, language),
        distances=DISTANCES,
        today=now.date(),
        details_url=_details_url,
        specialties_of=partial(_specialty_names, language=language),
        url_with=partial(url_with, request, after=None),
        by_name=BY_NAME,
        is_new=not findings.clinics and not query and await setup.is_new(request.services.db.across()),
        next=_next_page(request, search, findings.after, is_only=len(searches) == 1) if findings.after else None,
    )


class _Found(NamedTuple):
    clinics: list[FoundClinic]
    after: str | None
    """Where the next page starts; None on the last page."""
    silent: list[str] = []
    """The names of the cells that did not answer."""


async def _find_first(
    request: Request, db: Statements, searches: Sequence[Search], *, after: str | None, now: datetime
) -> tuple[Search, _Found]:
    """Return the first search that finds a clinic, or else the most likely one."""
    silent: list[str] = []
    for search in searches:
        result = await _find(request, db, search.criteria, after=after, now=now)
        if result.clinics:
            return search, result
        silent = result.silent
    return searches[0], _Found([], None, silent)


async def _find(request: Request, db: Statements, criteria: Criteria, *, after: str | None, now: datetime) -> _Found:
    """Search this cell, or all cells if there are several."""
    if cells := cells_of(request):
        merged = await everywhere.find(
            cells,
            db,
            criteria,
            after=everywhere.read_position(after),
            limit=CLINICS_PER_PAGE,
            now=now,
            address=request.user.address or "",
        )
        after = everywhere.write_position(merged.after) if merged.after else None
        return _Found(merged.clinics, after, merged.silent)
    findings = await finding.find(db, criteria, after=_clinic_id(after), limit=CLINICS_PER_PAGE, now=now)
    return _Found(findings.clinics, None if findings.after is None else str(findings.after))


def _next_page(request: Request, search: Search, after: str, *, is_only: bool) -> str:
    """Return the URL of the next page, which shows what the same search finds."""
    by_name: dict[str, str] = {} if search.is_split or is_only else {"by": BY_NAME}
    return url_with(request, after=after, **by_name)


def _clinic_id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and int(text[:11]) <= MAX_CLINIC_ID else None


async def _nearest(db: Statements, criteria: Criteria, now: datetime) -> list[FoundClinic]:
    """Return the clinics to suggest instead, which the same search finds at any distance."""
    if criteria.place is None:
        return []
    anywhere = criteria._replace(within_km=None)
    return (await finding.find(db, anywhere, after=None, limit=NEAREST_CLINICS, now=now)).clinics


def _details_url(clinic: FoundClinic, time: NextTime) -> str:
    """Return the URL of the booking form for a time."""
    query = {"type": time.appointment_type_id, "doctor": time.doctor_id, "start": iso_instant(time.start_time)}
    if time.appointment_type_id is None:
        query = {
            "start": iso_instant(time.start_time),
            "end": iso_instant(time.end_time),
            "whose": time.doctor_id,
        }
    return f"/c/{clinic.slug}/details?{urlencode(query)}"


def _specialty_choices(codes: Sequence[str], selected: str | None, language: str) -> list[tuple[str, str]]:
    """Return the specialties to choose from, including the one in the URL even if no doctor has it."""
    wanted_codes = {*codes, selected}
    pairs = [(code, name) for code, name in specialties.choices(language) if code in wanted_codes]
    return [*pairs, *([(selected, selected)] if selected and selected not in specialties.SPECIALTIES else [])]


def _language_choices(codes: Sequence[str], language: str) -> list[tuple[str, str]]:
    names = cast("Mapping[str, str]", Locale.parse(language).languages)
    return sorted(((code, names.get(code, code)) for code in codes), key=lambda pair: pair[1].casefold())


def _specialty_names(clinic: FoundClinic, language: str) -> str:
    names = (specialties.names_of(doctor.specialties, doctor.specialty, language) for doctor in clinic.doctors)
    return "\N{NO-BREAK SPACE}· ".join(list(dict.fromkeys(filter(None, names)))[:MAX_SPECIALTIES])


PAGES: Final = [find]
