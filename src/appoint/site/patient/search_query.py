"""What a visitor searches for on the start page, as typed."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from ...booking.finding import service as finding
from ...booking.finding.model import Criteria
from ...booking.finding.reading import Reading, read_place
from ...kit import places
from ...kit.i18n import base_language, translate
from ...kit.i18n import translatable as _
from ...kit.places import Place
from ...kit.regions import likely_region

DISTANCES: Final = (5, 10, 25, 50, 100, 200)
"""In kilometres, or in miles where people use them."""
USUAL_DISTANCE: Final = 25
MAX_AGE: Final = 150
MAX_TEXT: Final = 200
MAX_OTHER_PLACES: Final = 5
BY_NAME: Final = "name"
"""The value of `by` if the whole text is a name, and no part of it a place."""
FILTERS: Final = ("specialty", "language", "date", "age", "new", "within")
ONE_DAY: Final = timedelta(days=1)
ONE_YEAR: Final = timedelta(days=366)


class Search(NamedTuple):
    """A visitor's search, and what to say about its fields."""

    query: Mapping[str, str]
    criteria: Criteria
    place: Place | None
    other_places: Sequence[str]
    """Other places with the name, or places with a similar one if there is none."""
    distance: int
    faults: Mapping[str, str]
    is_split: bool = False
    """Whether the place was part of the text."""

    @property
    def has_filters(self) -> bool:
        return any(self.query.get(name) for name in FILTERS)

    @property
    def wider(self) -> int | None:
        """The next larger distance."""
        return next((each for each in DISTANCES if each > self.distance), None)

    @property
    def uses_miles(self) -> bool:
        return self.place is not None and self.place.uses_miles


def read_searches(
    query: Mapping[str, str], day: date | None, countries: list[str], tag: str, now: datetime
) -> list[Search]:
    """Return what the visitor can mean, most likely first: without a place of its own, the text may name one.

    `tag` is the visitor's language, with their region if the browser names one.
    """
    text, where = (query.get(name, "").strip()[:MAX_TEXT] for name in ("q", "where"))
    whole = _search(query, day, countries, tag, now, text=text, where=where)
    if where or query.get("by") == BY_NAME:
        return [whole]
    reading = read_place(text, countries=countries, home=likely_region(tag))
    if reading is None:
        return [whole]
    split = _search(query, day, countries, tag, now, text=reading.text, where=reading.where)._replace(is_split=True)
    if query.get("after") or _is_certain(reading, split.criteria):
        return [split]
    return [split, whole]


def _is_certain(reading: Reading, criteria: Criteria) -> bool:
    """Return whether the text certainly names a place: a postal code, or a town next to a specialty."""
    return bool(criteria.codes) or not reading.places[0].population


def _search(
    query: Mapping[str, str], day: date | None, countries: list[str], tag: str, now: datetime, *, text: str, where: str
) -> Search:
    distance = next((each for each in DISTANCES if str(each) == query.get("within")), USUAL_DISTANCE)
    matches = places.find(where, countries=countries, home=likely_region(tag)) if where else []
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
    return Search(
        query,
        criteria,
        place,
        _other_places(where, matches, countries),
        distance,
        {name: translate(base_language(tag), fault) for name, fault in faults.items() if fault},
    )


def _other_places(where: str, matches: Sequence[Place], countries: list[str]) -> list[str]:
    """Return the names of other places that the visitor can mean. Searches for these names find them."""
    if not where:
        return []
    place = matches[0] if matches else None
    if place is None:
        others = places.find_similar(where, countries=countries)
    elif place.population:
        others = places.find_namesakes(place, where, countries=countries)
    else:  # postal codes in other countries
        others = [each for each in matches[1:] if each.country != place.country and each.country in countries]
    names = (
        each.name if place and each.country == place.country else f"{each.name}, {each.country}" for each in others
    )
    return [name for name in dict.fromkeys(names) if place is None or name != place.name][:MAX_OTHER_PLACES]


def _date_fault(day: date | None, now: datetime) -> str | None:
    if day is None:
        return _("Enter a day, such as 2027-03-01.")
    if day < now.date() - ONE_DAY:  # it may still be yesterday at the clinic
        return _("This day is in the past. Choose today or a later day.")
    return _("Choose a day within the next year.") if day > now.date() + ONE_YEAR else None


def _age(text: str | None) -> int | None:
    age = int(text) if text and text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_AGE)) else None
    return age if age is not None and age <= MAX_AGE else None
