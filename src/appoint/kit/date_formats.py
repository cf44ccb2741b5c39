"""Format instants for people, in a given zone and language. The `short` width is for text messages."""

import re
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from babel import Locale
from babel.core import get_global
from babel.dates import (
    format_date,
    format_interval,
    format_skeleton,
    format_time,
    get_timezone_location,
    get_timezone_name,
)

from . import clock

Width = Literal["full", "short"]
SPACE_SUBSTITUTES: Final = {0x2009: " ", 0x202F: " "}
"""Replacements for the thin spaces that CLDR puts around dashes and before a.m. Some mail clients show them as boxes,
and a single one halves a text message's capacity."""
OFFSET_NAME: Final = re.compile(r"(GMT|UTC)?[+-][\d:]+")
UNNAMED_TERRITORIES: Final = (None, "ZZ", "001")
"""Territories for zones without a place name."""


def day(instant: datetime, time_zone: str, language: str, width: Width = "full") -> str:
    """Return a date such as “Monday, March 1, 2027” or “Mon, Mar 1, 2027”."""
    local = _local(instant, time_zone)
    return _plain(
        format_date(local, "full", locale=language)
        if width == "full"
        else format_skeleton("yMMMEd", local, locale=language)
    )


class DateParts(NamedTuple):
    """A date in large print."""

    month: str
    day: str
    weekday: str


def date_parts(instant: datetime, time_zone: str, language: str) -> DateParts:
    """Return a date as “Mar”, “1” and “Mon”."""
    local = _local(instant, time_zone)
    return DateParts(*(format_date(local, part, locale=language) for part in ("LLL", "d", "ccc")))


def time(instant: datetime, time_zone: str, language: str) -> str:
    """Return a time such as “9:30 AM”."""
    return _plain(format_time(_local(instant, time_zone), "short", locale=language))


def hours(start: datetime, end: datetime, time_zone: str, language: str) -> str:
    """Return a time range such as “9:30 – 10:00 AM”."""
    half_days = "a" in str(Locale.parse(language).time_formats["short"].pattern)
    return _plain(
        format_interval(_local(start, time_zone), _local(end, time_zone), "hm" if half_days else "Hm", locale=language)
    )


def moment(
    instant: datetime,
    time_zone: str,
    language: str,
    width: Width = "full",
    *,
    end: datetime | None = None,
    with_zone: bool = True,
) -> str:
    """Return a date and time such as “Monday, March 1, 2027, 9:30 – 10:00 AM (Central European Standard Time)”.

    Leave out the end if there is none or the width is short.
    """
    if width == "full":
        clock_time = hours(instant, end, time_zone, language) if end else _time_in_words(instant, time_zone, language)
    else:
        clock_time = time(instant, time_zone, language)
    local = f"{day(instant, time_zone, language, width)}, {clock_time}"
    return f"{local} ({zone(instant, time_zone, language, width)})" if with_zone else local


def _time_in_words(instant: datetime, time_zone: str, language: str) -> str:
    """Return a time as it appears in running text. CLDR's German intervals end in “Uhr”, but its times do not."""
    return time(instant, time_zone, language) + (" Uhr" if language == "de" else "")


def zone(instant: datetime, time_zone: str, language: str, width: Width = "full") -> str:
    """Return the name of the zone's time at the instant, such as “Central European Summer Time” or “CEST”.

    Fall back to the place for a zone without a name (“India Time” or, if the width is short, “Kolkata”), and to the
    offset (“UTC+05:30”) if there is no place.
    """
    local = _local(instant, time_zone)
    name = get_timezone_name(
        local, "long" if width == "full" else "short", locale=language, zone_variant=_variant(local)
    )
    if not OFFSET_NAME.fullmatch(name):
        return name
    if get_global("zone_territories").get(time_zone) not in UNNAMED_TERRITORIES:
        place = get_timezone_location(local, locale=language, return_city=width == "short")
        return place.rpartition("/")[2]
    offset = local.strftime("%z")  # Babel's own format is an hour off for half-hour offsets west of Greenwich
    return f"UTC{offset[:3]}:{offset[3:5]}"


def _variant(local: datetime) -> Literal["daylight", "standard"]:
    """Return whether the zone is in summer time.

    `dst()` alone is not enough: tzdata models Ireland's winter time as daylight saving of minus one hour.
    """
    winter = min(local.replace(month=month, day=15).dst() or timedelta() for month in (1, 7))
    return "daylight" if (local.dst() or timedelta()) > winter else "standard"


def same_wall_time(instant: datetime, one: str, other: str) -> bool:
    """Return whether both zones have the same wall time at the instant."""
    return _local(instant, one).replace(tzinfo=None) == _local(instant, other).replace(tzinfo=None)


def _local(instant: datetime, time_zone: str) -> datetime:
    return instant.astimezone(clock.zone(time_zone))


def _plain(text: str) -> str:
    return text.translate(SPACE_SUBSTITUTES)
