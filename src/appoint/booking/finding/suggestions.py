"""Suggestions for a text that someone is typing into the search."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ...clinics.doctors import specialties
from ...database.pool import Statements
from ...kit import places
from ...kit.cache import ClinicCache
from ...kit.places import Place
from . import repository
from .model import SuggestedName
from .service import load_choices

MIN_LETTERS: Final = 3
"""Shorter texts begin too many names."""
MAX_LETTERS: Final = 60
MAX_NAMES: Final = 5
MAX_SPECIALTIES: Final = 3
MAX_PLACES: Final = 5
MAX_PLACES_AMONG_NAMES: Final = 3


class Suggestions(NamedTuple):
    specialties: Sequence[str]
    """Codes."""
    names: Sequence[SuggestedName]
    places: Sequence[Place]
    countries: Collection[str]
    """Where clinics are."""


async def suggest(db: Statements, cache: ClinicCache, text: str, *, home: str | None, now: datetime) -> Suggestions:
    """Return specialties, doctors, clinics and places that the text can be the beginning of. Runs one statement.

    Places in the country `home` come before others.
    """
    choices = await load_choices(db, cache)
    text = " ".join(text.split())[:MAX_LETTERS]
    codes = [code for code in specialties.find_similar_codes(text) if code in choices.specialties]
    is_long = len(places.folded(text)) >= MIN_LETTERS
    return Suggestions(
        codes[:MAX_SPECIALTIES],
        await repository.suggest_names(db, text, limit=MAX_NAMES, now=now) if is_long else [],
        places.find_beginning(text, countries=choices.countries, home=home, limit=MAX_PLACES_AMONG_NAMES),
        choices.countries,
    )


async def suggest_places(db: Statements, cache: ClinicCache, text: str, *, home: str | None) -> Suggestions:
    """Return only places."""
    countries = (await load_choices(db, cache)).countries
    beginning = places.find_beginning(text[:MAX_LETTERS], countries=countries, home=home, limit=MAX_PLACES)
    return Suggestions([], [], beginning, countries)
