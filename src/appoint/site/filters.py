"""Template filters that format dates, amounts and other values for people."""

import json
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal

from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import format_currency, get_currency_precision
from babel.units import format_unit
from markupsafe import Markup

from ..kit import clock, date_formats, fields, phones, regions
from ..kit.key_ring import readable
from ..kit.money import Money
from ..kit.places import KM_PER_MILE
from . import portraits

ANY_MIDNIGHT: Final = datetime(2000, 1, 1, tzinfo=UTC)


def to_json(value: Any) -> Markup:
    """Return a value as JSON for a page's `<script type="application/json">`."""
    text = json.dumps(value, separators=(",", ":"), default=str)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704  nothing in it can end the element


def local_date(value: date, language: str, width: Literal["full", "long", "medium", "short"] = "full") -> str:
    return format_date(value, width, locale=regions.locale_of(language))


def skeleton(value: date | datetime, language: str, pattern: str) -> str:
    """Format a date with the parts of a CLDR skeleton: `MMMd` gives “Mar 1”."""
    return format_skeleton(pattern, value, locale=regions.locale_of(language))


def wall_time(value: str, language: str, until: str = "") -> str:
    """Format one or two wall times from the API: “9:30 AM”, “9:30 – 11:00 AM”. 24:00 becomes 00:00."""
    first, last = (ANY_MIDNIGHT + timedelta(minutes=fields.parse_wall_time(time)) for time in (value, until or value))
    return date_formats.hours(first, last, "UTC", language) if until else date_formats.time(first, "UTC", language)


def money(value: Money, language: str) -> str:
    return format_currency(
        value.amount / 10 ** _decimals(value.currency), value.currency, locale=regions.locale_of(language)
    )


@lru_cache(200)
def _decimals(currency: str) -> int:
    return get_currency_precision(currency)


def when(start: datetime, time_zone: str, language: str, end: datetime | None = None) -> str:
    """Format a day with one or two times: “Mon, 1 Mar 2027, 09:30”, “Mon, 1 Mar 2027, 09:30–10:00”."""
    clock_time = (
        date_formats.hours(start, end, time_zone, language) if end else date_formats.time(start, time_zone, language)
    )
    return f"{date_formats.day(start, time_zone, language, 'short')}, {clock_time}"


def minutes(value: int, language: str) -> str:
    """Format a duration: “20 min”."""
    return format_unit(value, "duration-minute", "short", locale=regions.locale_of(language))


def time_span(minutes: int, language: str) -> str:
    """Format a duration in its largest whole unit: “24 hours”. Days are used only for three days or more."""
    for unit, size, least in (("day", 1440, 3), ("hour", 60, 1)):
        if minutes % size == 0 and minutes >= size * least:
            return format_unit(minutes // size, f"duration-{unit}", locale=regions.locale_of(language))
    return format_unit(minutes, "duration-minute", locale=regions.locale_of(language))


def short_time(instant: datetime, time_zone: str, language: str) -> str:
    """Format a time of day without AM and PM, for lists in order of time: “2:30”, “14:30”."""
    pattern = "h:mm" if date_formats.has_half_days(language, time_zone) else "HH:mm"
    return format_time(instant, pattern, tzinfo=clock.zone(time_zone), locale=regions.locale_of(language, time_zone))


def duration(value: int) -> str:
    """Format minutes as hours and minutes: “2:30 h”."""
    return f"{value // 60}:{value % 60:02} h"


def years(value: int, language: str) -> str:
    """Format an age: “55 years”."""
    return format_unit(value, "duration-year", "long", locale=regions.locale_of(language))


def distance(km: float, language: str, *, miles: bool = False) -> str:
    """Format a distance: “1.2 km”, “0.7 mi”, “14 km”."""
    value = km / KM_PER_MILE if miles else km
    unit = "length-mile" if miles else "length-kilometer"
    return format_unit(
        round(value, 1) if value < 10 else round(value), unit, "short", locale=regions.locale_of(language)
    )


def waiting_time(seconds: int, language: str) -> str:
    """Format a waiting time, rounded up: “in 3 minutes”."""
    unit = 60 if seconds <= 3600 else 3600
    return format_timedelta(
        timedelta(seconds=-(-seconds // unit) * unit), add_direction=True, locale=regions.locale_of(language)
    )


def phone(number: str, language: str | None = None) -> str:
    """Format a phone number as people dial it in the language's region: “030 12345678”. Without a language, or if the
    number is from another country, it is in international format: “+49 30 12345678”."""
    return phones.format_local(number, regions.region_of(language) if language else None)


def iso_instant(instant: datetime) -> str:
    """Format a date and time for a URL or a `<time>` element."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def is_past(value: date) -> bool:
    """Return whether a date is over everywhere on Earth: the last time zone in which it ends is twelve hours behind
    UTC."""
    return value < (clock.now() - timedelta(hours=12)).date()


FILTERS: Final[dict[str, Any]] = {
    "day": date_formats.day,
    "time": date_formats.time,
    "hours": date_formats.hours,
    "moment": date_formats.moment,
    "when": when,
    "date": local_date,
    "date_in": clock.local_date,
    "is_past": is_past,
    "wall": wall_time,
    "skeleton": skeleton,
    "money": money,
    "minutes": minutes,
    "time_span": time_span,
    "short_time": short_time,
    "duration": duration,
    "years": years,
    "distance": distance,
    "soon": waiting_time,
    "instant": iso_instant,
    "zone": date_formats.zone,
    "repeated": date_formats.is_repeated,
    "phone": phone,
    "data": to_json,
    "readable": readable,
    "initials": portraits.initials,
    "hue": portraits.hue,
}
