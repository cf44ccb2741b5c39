"""The region whose formats dates, times, numbers and phone numbers follow.

A text's language alone doesn't determine its formats: English readers expect “3/1/2027, 9:30 PM” in the United States,
but “01/03/2027, 21:30” in Britain or at a clinic in Berlin. A tag such as `en-GB` names both a language and a region.
If it has no region, the country of the clinic's time zone decides.
"""

from functools import lru_cache
from typing import Final

from babel import Locale
from babel.core import get_global
from babel.localedata import exists

from .i18n import base_language
from .phones import EUROPE, country_of_zone

NUMBER_OF_DAYS: Final = 7
SEMICOLON_COUNTRIES: Final = frozenset({"CH", "LI"})
"""Countries with a decimal point where spreadsheet programs still separate columns with semicolons."""


def language_tag(language: str, region: str | None, time_zone: str | None = None) -> str:
    """Return the tag, such as `en-GB`, for the language as it is read in the region or, if that is unknown, in the time
    zone's country."""
    country = region or (time_zone and country_of_zone(time_zone))
    return f"{language}-{country}" if country else language


def region_of(tag: str, time_zone: str | None = None) -> str | None:
    """Return a tag's region, or the time zone's country if it has none."""
    return tag.partition("-")[2] or (country_of_zone(time_zone) if time_zone else None)


def likely_region(tag: str) -> str | None:
    """Return a tag's region, or the one where most of the language's speakers live; for English, None."""
    language = base_language(tag)
    return region_of(tag) or (None if language == "en" else get_global("likely_subtags")[language].rpartition("_")[2])


def is_region(code: str) -> bool:
    """Return whether the code, in upper case, is a country in CLDR, or Latin America (419)."""
    return code == "419" or (len(code) == 2 and code != "ZZ" and code in Locale("en").territories)


def is_country(code: str) -> bool:
    """Return whether the code stands for a country rather than a larger region."""
    return len(code) == 2 and is_region(code) and code not in ("EU", "EZ", "UN", "XA", "XB", "QO")


@lru_cache(2000)
def locale_of(tag: str, time_zone: str | None = None) -> Locale:
    """Return the CLDR locale for a tag, or for its language in the time zone's country if the tag has no region.

    CLDR has no locale for some combinations, such as German in Spain. They follow the language alone, except that
    English is then written as in the rest of Europe or of the world, rather than as in the United States. Without a
    region, English is written as in Europe, because no one misreads “3 Dec 2026, 14:05”.
    """
    language, region = base_language(tag), region_of(tag, time_zone)
    if region is None:
        return Locale.parse("en_150" if language == "en" else language)
    if exists(f"{language}_{region}"):
        return Locale.parse(f"{language}_{region}")
    if language == "en":
        return Locale.parse("en_150" if region in EUROPE else "en_001")
    return Locale.parse(language)


def is_day_first(tag: str) -> bool | None:
    """Return whether dates in the tag's region have the day before the month. Return None where dates begin with the
    year, and for English without a region.
    """
    if tag == "en":
        return None
    letters = str(locale_of(tag).date_formats["short"].pattern)
    day, month, year = (letters.find(letter) for letter in "dMy")
    return None if year < max(day, month) else day < month


def script_tag(tag: str) -> str:
    """Return the tag that makes a browser's `Intl` use the same formats as `locale_of`."""
    return str(locale_of(tag)).replace("_", "-")


def week(tag: str, time_zone: str | None = None) -> list[int]:
    """Return the weekdays, with Monday as 0, in the order used in the region or, if it is unknown, where most of the
    language's speakers live; for English, in most of the world."""
    region, language = region_of(tag, time_zone), base_language(tag)
    home = "und_001" if language == "en" else get_global("likely_subtags").get(language, language)
    place = f"und_{region}" if region else home
    first = Locale.parse(place).first_week_day
    return [(first + number) % NUMBER_OF_DAYS for number in range(NUMBER_OF_DAYS)]


def csv_delimiter(tag: str, time_zone: str | None = None) -> str:
    """Return the character that spreadsheet programs in the region expect between columns: a semicolon where numbers
    have a decimal comma."""
    has_comma = locale_of(tag, time_zone).number_symbols["latn"]["decimal"] == ","
    return ";" if has_comma or region_of(tag, time_zone) in SEMICOLON_COUNTRIES else ","
