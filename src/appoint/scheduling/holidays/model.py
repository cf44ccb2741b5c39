"""Public holidays, and the closures that a clinic adds for them."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Annotated, Any, ClassVar, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from ...kit import errors, fields
from ...kit.structs import RequestBody
from ..absences.model import Absence

Country = Annotated[str, Meta(pattern="^[A-Z]{2}" + fields.END_OF_TEXT, examples=["DE"])]
"""An ISO 3166-1 code."""
Region = Annotated[str, Meta(min_length=1, max_length=60, examples=["BE"])]
"""A part of a country, usually as an ISO 3166-2 code without the country prefix, such as BE for Berlin."""


class HolidayPlace(NamedTuple):
    country: str
    region: str | None = None


class HolidayQuery(RequestBody):
    country: Country | None = None
    """The default is the country of the clinic's time zone."""
    region: Region | None = None
    """A state, province or canton. Without it, only nationwide holidays are listed."""
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """The default is today."""
    to: fields.Date | None = None
    """The default is a year after the first day."""

    def __post_init__(self) -> None:
        if self.from_ and self.to and self.to < self.from_:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))


class PublicHoliday(msgspec.Struct, frozen=True, rename="camel"):
    """A public holiday at a clinic."""

    date: date
    name: str
    """In the caller's language if possible, or else in one of the country's."""
    closure_id: UUID | None
    """The absence that closes the clinic all day, if it is closed."""


class PublicHolidays(msgspec.Struct, frozen=True, rename="camel"):
    """A clinic's public holidays, earliest first."""

    country: str | None
    """null if the country is unknown, in which case there are no holidays."""
    region: str | None
    regions: list[str]
    """The country's regions."""
    holidays: list[PublicHoliday]


class HolidayClosures(RequestBody):
    """The public holidays on which a clinic closes."""

    EXAMPLE: ClassVar = {"country": "DE", "region": "BE", "dates": ["2027-05-01"]}

    dates: Annotated[list[fields.Date], Meta(min_length=1, max_length=60)]
    country: Country | None = None
    """The default is the country of the clinic's time zone."""
    region: Region | None = None


class ClosureUndo(msgspec.Struct, frozen=True, rename="camel"):
    url: str
    """Send a POST request here. This removes the closures and publishes the weekly hours again."""


class AddedClosures(msgspec.Struct, frozen=True, rename="camel"):
    """The closures that were added. Holidays on which the clinic is already closed are left out."""

    closures: list[Absence]
    undo: ClosureUndo | None
    """How to remove the closures again; null if none were added."""


class ClosureIds(RequestBody):
    EXAMPLE: ClassVar = {"absenceIds": "00000001-01a2-7ca0-8000-00000000000a"}

    absence_ids: Annotated[list[UUID], Meta(min_length=1, max_length=60)]
    """The closures to remove, as returned when they were added."""


def list_holidays(place: HolidayPlace, *, language: str, first: date, last: date) -> Mapping[date, str]:
    """Return the public holidays from the first to the last day, with their names. Raise `Invalid` for an unknown
    region, and return none for a country without known holidays."""
    regions = known_regions(place.country)
    if place.region is not None and place.region not in regions:
        raise errors.Invalid(errors.Fault("#/region", "is not a region of this country"))
    names = _names(place, language, first.year, last.year)
    return {day: name for day, name in sorted(names.items()) if first <= day <= last}


@lru_cache(64)
def _names(place: HolidayPlace, language: str, first_year: int, last_year: int) -> Mapping[date, str]:
    library = _library()
    if place.country not in library.list_supported_countries(include_aliases=False):
        return {}
    years = range(first_year, last_year + 1)
    usual = library.country_holidays(place.country, subdiv=place.region)
    languages: tuple[str, ...] = usual.supported_languages or ()
    spoken = next((each for each in languages if each.split("_")[0] == language), usual.default_language)
    names = library.country_holidays(place.country, subdiv=place.region, years=years, language=spoken)
    if spoken == "en_US" and place.country != "US":
        return {day: name.replace("Labor", "Labour") for day, name in names.items()}
    return dict(names)


@lru_cache(64)
def known_regions(country: str) -> Mapping[str, str]:
    """Return a country's regions by code, with their names where the library knows them."""
    library = _library()
    codes: list[str] = library.list_supported_countries(include_aliases=False).get(country, [])
    if not codes:
        return {}
    aliases: Mapping[str, str] = library.country_holidays(country).subdivisions_aliases
    names: dict[str, str] = {}
    for name, code in aliases.items():
        names.setdefault(code, name)  # the first is the usual one
    return dict(sorted(((code, names.get(code, code)) for code in codes), key=itemgetter(1)))


def known_countries() -> list[str]:
    """Return the codes of the countries that the library covers."""
    return sorted(_library().list_supported_countries(include_aliases=False))


def _library() -> Any:
    import holidays  # noqa: PLC0415  its 250 countries take a second to load, and few requests need them

    return holidays
