"""The start page, where patients find a clinic."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urlencode

from babel import Locale
from litestar import Response, get

from ...booking.finding import service as finding
from ...booking.finding.model import Criteria, FoundClinic, NextTime
from ...booking.finding.service import Findings
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
    query, now, db, language = query_params(request), clock.now(), request.services.db, language_for(request)
    choices = await finding.load_choices(db, request.cache)
    day, tag = typed_date(request, query.get("date")), language_tag_for(request)
    searches = read_searches(query, day, choices.countries, tag, now)
    search, findings = searches[0], finding.NOTHING
    nearest: list[FoundClinic] = []
    if not search.faults:
        search, findings = await _find_first(db, searches, after=_clinic_id(query.get("after")), now=now)
        nearest = [] if findings.clinics else await _nearest(db, search.criteria, now)
    return render(
        request,
        "patient/clinic_search.html",
        search=search,
        clinics=findings.clinics,
        nearest=nearest,
        specialties=_specialty_choices(choices.specialties, search.criteria.specialty, language),
        languages_spoken=_language_choices(choices.languages, language),
        distances=DISTANCES,
        today=now.date(),
        details_url=_details_url,
        specialties_of=partial(_specialty_names, language=language),
        url_with=partial(url_with, request, after=None),
        by_name=BY_NAME,
        is_new=not findings.clinics and not query and await setup.is_new(db.across()),
        next=_next_page(request, search, findings.after, is_only=len(searches) == 1) if findings.after else None,
    )


async def _find_first(
    db: Statements, searches: Sequence[Search], *, after: int | None, now: datetime
) -> tuple[Search, Findings]:
    """Return the first search that finds a clinic, or else the most likely one."""
    for search in searches:
        findings = await finding.find(db, search.criteria, after=after, limit=CLINICS_PER_PAGE, now=now)
        if findings.clinics:
            return search, findings
    return searches[0], finding.NOTHING


def _next_page(request: Request, search: Search, after: int, *, is_only: bool) -> str:
    """Return the URL of the next page, which shows what the same search finds."""
    by_name: dict[str, str] = {} if search.is_split or is_only else {"by": BY_NAME}
    return url_with(request, after=str(after), **by_name)


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
    return " · ".join(list(dict.fromkeys(filter(None, names)))[:MAX_SPECIALTIES])


PAGES: Final = [find]
