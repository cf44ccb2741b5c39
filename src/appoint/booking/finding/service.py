"""Find clinics and their next free times, in two or three statements however many clinics there are."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ...clinics.clinics import service as clinics
from ...clinics.doctors import specialties
from ...database.pool import Statements
from ...kit import errors, ids, places
from ...kit.cache import ClinicCache
from . import repository
from .model import CandidateDoctor, ClinicSearch, Criteria, FoundClinic, Match
from .offers import offer, with_later_times

SOON_DAYS: Final = 3
"""How many days a search covers at first, starting today."""
SEARCH_DAYS: Final = 14
"""How many days it then covers for clinics that have too few times in the first `SOON_DAYS`."""
LATER_DOCTORS: Final = 96
"""The number of doctors whose later times a page reads, shared between its clinics."""
TIMES_PER_CLINIC: Final = 3


class Choices(NamedTuple):
    """The values that visitors can filter by: those for which there are active doctors."""

    specialties: list[str]
    languages: list[str]
    countries: list[str]


class Findings(NamedTuple):
    clinics: list[FoundClinic]
    after: int | None
    """The number of the clinic after which the next page starts; None on the last page."""
    order: list[tuple[float, str]]
    """The clinics' ranks and names, by which they are sorted."""


NOTHING: Final = Findings([], None, [])


async def load_choices(db: Statements, cache: ClinicCache) -> Choices:
    """Return the specialties and languages of all active doctors, and the countries where clinics are."""

    async def load() -> Choices:
        current = db.current
        return Choices(
            await repository.list_specialties(current),
            await repository.list_languages(current),
            await clinics.list_countries(current),
        )

    return await cache.get(ids.PLATFORM, "search choices", load)


async def find(db: Statements, criteria: Criteria, *, after: int | None, limit: int, now: datetime) -> Findings:
    """Return the clinics that match, nearest or best match first, each with its next free times. Leave out clinics that
    have no doctor for the patient, or no published hours."""
    matches = await repository.find_clinics(db, criteria, after=after, limit=limit, now=now)
    page = matches[:limit]
    if not page:
        return NOTHING
    offers = await _offers(db, page, criteria, days=SOON_DAYS, max_doctors=repository.MAX_DOCTORS, now=now)
    lacking = [match for match in page if match.id in offers and len(offers[match.id].times) < TIMES_PER_CLINIC]
    if lacking and criteria.on is None:
        each = max(1, LATER_DOCTORS // len(lacking))
        later = await _offers(db, lacking, criteria, days=SEARCH_DAYS, max_doctors=each, now=now)
        for clinic_id, clinic in later.items():
            offers[clinic_id] = with_later_times(offers[clinic_id], clinic, limit=TIMES_PER_CLINIC)
    fitting = [match for match in page if match.id in offers]
    return Findings(
        [offers[match.id] for match in fitting],
        page[-1].id if len(matches) > limit else None,
        [(match.rank, match.sort_name) for match in fitting],
    )


async def _offers(
    db: Statements, matches: Sequence[Match], criteria: Criteria, *, days: int, max_doctors: int, now: datetime
) -> dict[int, FoundClinic]:
    doctors: defaultdict[int, list[CandidateDoctor]] = defaultdict(list)
    for doctor in await repository.read_doctors_time(
        db, matches, criteria, days=days, max_doctors=max_doctors, now=now
    ):
        doctors[doctor.clinic_id].append(doctor)
    offers = (offer(match, doctors[match.id], criteria, now=now, limit=TIMES_PER_CLINIC) for match in matches)
    return {clinic.clinic_id: clinic for clinic in offers if clinic}


async def read_criteria(db: Statements, cache: ClinicCache, query: ClinicSearch, *, now: datetime) -> Criteria:
    """Return what the API's caller is looking for. Raise `Invalid` for an unknown place or a date in the past."""
    place = None
    if query.place:
        matches = places.find(query.place, countries=(await load_choices(db, cache)).countries)
        place = matches[0] if matches else None
        if place is None:
            raise errors.Invalid(errors.Fault("#/place", "is not a town or postal code that Appoint recognises"))
    if query.within_km and place is None:
        raise errors.Invalid(errors.Fault("#/withinKm", "needs a place"))
    if query.date and query.date < now.date() - timedelta(days=1):  # it may still be yesterday at the clinic
        raise errors.Invalid(errors.Fault("#/date", "is in the past"))
    return describe_search(query.q, query.specialty)._replace(
        place=place,
        within_km=query.within_km,
        language=query.language,
        age=query.age,
        is_new=query.new_patient,
        on=query.date,
    )


def describe_search(text: str | None, specialty: str | None) -> Criteria:
    """Return criteria for a text, and for a specialty's code or its name in any language."""
    code = specialty if specialty in specialties.SPECIALTIES else specialties.find_code(specialty)
    codes = specialties.find_similar_codes(text) if text else ()
    return Criteria(text=text or None, codes=codes, specialty=code or specialty or None)
