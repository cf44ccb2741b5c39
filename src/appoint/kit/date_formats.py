"""Instants as people read them: in a zone, which is named, and in a language. `short` is for text messages."""

import re
from datetime import datetime, timedelta
from typing import Final, Literal

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
THIN_SPACES: Final = {0x2009: " ", 0x202F: " "}
"""CLDR sets them around dashes and before a.m.; here and there a mail shows them as boxes, and a text message with one
holds half as much."""
ONLY_AN_OFFSET: Final = re.compile(r"(GMT|UTC)?[+-][\d:]+")
NOWHERE: Final = (None, "ZZ", "001")
"""Territories of zones that are no place people know."""


def day(instant: datetime, time_zone: str, language: str, width: Width = "full") -> str:
    """“Monday, March 1, 2027”, or “Mon, Mar 1, 2027”."""
    local = _local(instant, time_zone)
    return _plain(
        format_date(local, "full", locale=language)
        if width == "full"
        else format_skeleton("yMMMEd", local, locale=language)
    )


def time(instant: datetime, time_zone: str, language: str) -> str:
    """“9:30 AM”"""
    return _plain(format_time(_local(instant, time_zone), "short", locale=language))


def hours(start: datetime, end: datetime, time_zone: str, language: str) -> str:
    """“9:30 – 10:00 AM”"""
    half_days = "a" in str(Locale.parse(language).time_formats["short"].pattern)
    return _plain(
        format_interval(_local(start, time_zone), _local(end, time_zone), "hm" if half_days else "Hm", locale=language)
    )


def moment(
    instant: datetime, time_zone: str, language: str, width: Width = "full", *, end: datetime | None = None
) -> str:
    """“Monday, March 1, 2027, 9:30 – 10:00 AM (Central European Standard Time)”; without an end, or when short, only
    the beginning."""
    clock_time = (
        hours(instant, end, time_zone, language) if end and width == "full" else time(instant, time_zone, language)
    )
    return f"{day(instant, time_zone, language, width)}, {clock_time} ({zone(instant, time_zone, language, width)})"


def zone(instant: datetime, time_zone: str, language: str, width: Width = "full") -> str:
    """What the zone's time is called at the instant: “Central European Summer Time”, or “CEST”.

    Time that has no name goes by its place (“India Time”); when short, or where there is no place, by its offset
    (“UTC+05:30”).
    """
    local = _local(instant, time_zone)
    name = get_timezone_name(
        local, "long" if width == "full" else "short", locale=language, zone_variant=_variant(local)
    )
    if not ONLY_AN_OFFSET.fullmatch(name):
        return name
    if width == "full" and get_global("zone_territories").get(time_zone) not in NOWHERE:
        return get_timezone_location(local, locale=language)
    offset = local.strftime("%z")  # Babel's own is an hour off for half hours west of Greenwich
    return f"UTC{offset[:3]}:{offset[3:5]}"


def _variant(local: datetime) -> Literal["daylight", "standard"]:
    """Whether it is summer time there. That alone is not told by `dst()`: Ireland's winter time is summer time less an
    hour."""
    winter = min(local.replace(month=month, day=15).dst() or timedelta() for month in (1, 7))
    return "daylight" if (local.dst() or timedelta()) > winter else "standard"


def same_wall_time(instant: datetime, one: str, other: str) -> bool:
    """Whether clocks in both zones show the same at the instant."""
    return _local(instant, one).replace(tzinfo=None) == _local(instant, other).replace(tzinfo=None)


def _local(instant: datetime, time_zone: str) -> datetime:
    return instant.astimezone(clock.zone(time_zone))


def _plain(text: str) -> str:
    return text.translate(THIN_SPACES)
