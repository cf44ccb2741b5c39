"""The start page, where patients find a clinic."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlencode

from babel import Locale
from litestar import Response, get

from ...booking.finding import service as finding
from ...booking.finding.model import Criteria, FoundClinic, NextTime
from ...clinics.doctors import specialties
from ...database.pool import Statements
from ...http.forms import query_params
from ...http.languages import language_for, typed_date
from ...http.request import Request
from ...http.routes import route
from ...identity.setup import service as setup
from ...kit import clock, places
from ...kit.i18n import translatable as _
from ...kit.i18n import translate
from ...kit.ids import MAX_CLINIC_ID
from ..filters import iso_instant
from ..rendering import render, url_with

CLINICS_PER_PAGE: Final = 12
NEAREST_CLINICS: Final = 3
"""The number of clinics to suggest if there are none within the distance."""
DISTANCES: Final = (5, 10, 25, 50, 100, 200)
"""In kilometres, or in miles where people use them."""
USUAL_DISTANCE: Final = 25
MAX_SPECIALTIES: Final = 4
"""The number of specialties that a result shows."""
MAX_AGE: Final = 150
MAX_TEXT: Final = 200
MAX_OTHER_PLACES: Final = 3
ONE_DAY: Final = timedelta(days=1)
ONE_YEAR: Final = timedelta(days=366)


class Search(NamedTuple):
    """A visitor's search, as typed, and what to say about its fields."""

    query: Mapping[str, str]
    criteria: Criteria
    place: places.Place | None
    other_places: Sequence[str]
    """Other places with the name, or places with a similar one if there is none."""
    distance: int
    faults: Mapping[str, str]

    @property
    def has_filters(self) -> bool:
        return any(self.query.get(name) for name in ("specialty", "language", "date", "age", "new", "within"))

    @property
    def wider(self) -> int | None:
        """The next larger distance."""
        return next((each for each in DISTANCES if each > self.distance), None)

    @property
    def uses_miles(self) -> bool:
        return self.place is not None and self.place.uses_miles


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
    search = _read(query, typed_date(request, query.get("date")), choices.countries, language, now)
    findings = finding.NOTHING
    nearest: list[FoundClinic] = []
    if not search.faults:
        findings = await finding.find(
            db, search.criteria, after=_clinic_id(query.get("after")), limit=CLINICS_PER_PAGE, now=now
        )
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
        is_new=not findings.clinics and not query and await setup.is_new(db.across()),
        next=url_with(request, after=str(findings.after)) if findings.after else None,
    )


def _read(query: Mapping[str, str], day: date | None, countries: list[str], language: str, now: datetime) -> Search:
    text, where = (query.get(name, "").strip()[:MAX_TEXT] for name in ("q", "where"))
    distance = next((each for each in DISTANCES if str(each) == query.get("within")), USUAL_DISTANCE)
    matches = places.find(where, countries=countries) if where else []
    place = matches[0] if matches else None
    age = _age(query.get("age"))
    faults = {
        "where": _("Enter a town or a postal code that exists.") if where and not place else None,
        "date": _date_fault(day, now) if query.get("date") else None,
        "age": _("Enter an age between 0 and 150.") if query.get("age") and age is None else None,
    }
    criteria = finding.describe_search(text, query.get("specialty", "").strip()[:MAX_TEXT])._replace(
        place=place,
        within_km=place and distance * (places.KM_PER_MILE if place.uses_miles else 1),
        language=query.get("language"),
        age=age,
        is_new=True if query.get("new") else None,
        on=day,
    )
    others = matches[1:] if place else places.find_similar(where, countries=countries) if where else []
    other_names = [
        f"{each.name}, {each.country}"
        for each in others
        if each.country in countries and each.country != (place and place.country)
    ]
    return Search(
        query,
        criteria,
        place,
        list(dict.fromkeys(other_names))[:MAX_OTHER_PLACES],
        distance,
        {name: translate(language, fault) for name, fault in faults.items() if fault},
    )


def _date_fault(day: date | None, now: datetime) -> str | None:
    if day is None:
        return _("Enter a day, such as 2027-03-01.")
    if day < now.date() - ONE_DAY:  # it may still be yesterday at the clinic
        return _("This day is in the past. Choose today or a later day.")
    return _("Choose a day within the next year.") if day > now.date() + ONE_YEAR else None


def _age(text: str | None) -> int | None:
    age = int(text) if text and text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_AGE)) else None
    return age if age is not None and age <= MAX_AGE else None


def _clinic_id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and int(text[:11]) <= MAX_CLINIC_ID else None


async def _nearest(db: Statements, criteria: Criteria, now: datetime) -> list[FoundClinic]:
    """Return the clinics to suggest instead: the same search at any distance."""
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
    """Return the specialties to choose from, and the one in the URL even if no doctor has it."""
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
