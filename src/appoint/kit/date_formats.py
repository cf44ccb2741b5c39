"""Format instants for people, in a given zone and language. The `short` width is for text messages.

The language can be a tag with a region, such as `en-GB`. If it has none, the time zone's country decides the format.
"""

import re
from datetime import datetime
from typing import Final, Literal, NamedTuple

from babel.core import get_global
from babel.dates import format_date, format_interval, format_skeleton, format_time, get_timezone_location

from . import clock
from .i18n import base_language, translate
from .regions import locale_of

Width = Literal["full", "short"]
SPACE_SUBSTITUTES: Final = {0x2009: " ", 0x202F: " "}
"""Replacements for the thin spaces that CLDR puts around dashes and before a.m. Some mail clients show them as boxes,
and a single one halves a text message's capacity."""
HALF_DAYS: Final = re.compile(r"[abB]")
UNNAMED_TERRITORIES: Final = (None, "ZZ", "001")
"""Territories for zones without a city."""


def day(instant: datetime, time_zone: str, language: str, width: Width = "full") -> str:
    """Return a date such as “Monday, 1 March 2027” or “Mon, 1 Mar 2027”."""
    local, locale = _local(instant, time_zone), locale_of(language, time_zone)
    return _plain(
        format_date(local, "full", locale=locale)
        if width == "full"
        else format_skeleton("yMMMEd", local, locale=locale)
    )


class DateParts(NamedTuple):
    """A date's parts, for showing it in large print."""

    month: str
    day: str
    weekday: str


def date_parts(instant: datetime, time_zone: str, language: str) -> DateParts:
    """Return a date as “Mar”, “1” and “Mon”."""
    local, locale = _local(instant, time_zone), locale_of(language, time_zone)
    return DateParts(*(format_date(local, part, locale=locale) for part in ("LLL", "d", "ccc")))


def time(instant: datetime, time_zone: str, language: str) -> str:
    """Return a time such as “09:30” or “9:30 AM”."""
    return _plain(format_time(_local(instant, time_zone), "short", locale=locale_of(language, time_zone)))


def hours(start: datetime, end: datetime, time_zone: str, language: str) -> str:
    """Return a time range such as “09:30–10:00” or “9:30 – 10:00 AM”."""
    return _plain(
        format_interval(
            _local(start, time_zone),
            _local(end, time_zone),
            "hm" if has_half_days(language, time_zone) else "Hm",
            locale=locale_of(language, time_zone),
        )
    )


def has_half_days(language: str, time_zone: str | None = None) -> bool:
    """Return whether times use the 12-hour clock, with a.m. and p.m."""
    return bool(HALF_DAYS.search(str(locale_of(language, time_zone).time_formats["short"].pattern)))


def moment(
    instant: datetime,
    time_zone: str,
    language: str,
    width: Width = "full",
    *,
    end: datetime | None = None,
    with_zone: bool = True,
) -> str:
    """Return a date and time such as “Monday, 1 March 2027, 09:30–10:00 (Berlin time)”.

    The end is omitted if there is none or the width is short. A time in an hour that the clocks repeat always includes
    its zone.
    """
    if width == "full":
        clock_time = hours(instant, end, time_zone, language) if end else _time_in_words(instant, time_zone, language)
    else:
        clock_time = time(instant, time_zone, language)
    local = f"{day(instant, time_zone, language, width)}, {clock_time}"
    needs_zone = with_zone or is_repeated(instant, time_zone)
    return f"{local} ({zone(instant, time_zone, language)})" if needs_zone else local


def _time_in_words(instant: datetime, time_zone: str, language: str) -> str:
    """Return a time as it appears in running text. In German, CLDR's time ranges end in “Uhr”, but its single times do
    not.
    """
    return time(instant, time_zone, language) + (" Uhr" if base_language(language) == "de" else "")


def zone(instant: datetime, time_zone: str, language: str) -> str:
    """Return the zone's name based on its city, such as “Berlin time”, or its offset (“UTC-03:00”) if it has no city.

    In the hour that the clocks repeat in autumn, the offset follows the name: “Berlin time, UTC+02:00”.
    """
    local = _local(instant, time_zone)
    name = get_global("zone_aliases").get(time_zone, time_zone)
    if name == "Etc/UTC":
        return "UTC"
    offset = local.strftime("%z")  # Babel's own format is an hour off for half-hour offsets west of Greenwich
    offset = f"UTC{offset[:3]}:{offset[3:5]}"
    if get_global("zone_territories").get(name) in UNNAMED_TERRITORIES:
        return offset
    place = get_timezone_location(local, locale=locale_of(language, time_zone), return_city=True)
    city = translate(language, "{city} time", city=place.rpartition("/")[2])
    return f"{city}, {offset}" if is_repeated(instant, time_zone) else city


def is_repeated(instant: datetime, time_zone: str) -> bool:
    """Return whether the instant's wall time occurs twice in the zone because the clocks go back."""
    local = _local(instant, time_zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def same_wall_time(instant: datetime, one: str, other: str) -> bool:
    """Return whether both zones have the same wall time at the instant."""
    return _local(instant, one).replace(tzinfo=None) == _local(instant, other).replace(tzinfo=None)


def _local(instant: datetime, time_zone: str) -> datetime:
    return instant.astimezone(clock.zone(time_zone))


def _plain(text: str) -> str:
    return text.translate(SPACE_SUBSTITUTES)
