"""Types for request members. A check function validates what msgspec's own constraints cannot express; it returns an
error message or None."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec

from . import clock, email_addresses, errors, ids, money, phones, regions
from .i18n import translatable

SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2999
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def constraint(
    check: Any, /, *, example: Any, schema: dict[str, str], clean: Any = None, **constraints: Any
) -> msgspec.Meta:
    """Return a constraint that `check(value) -> message | None` enforces.

    The message is a key in the translation catalogues. `schema` is added to the JSON schema, which cannot express the
    whole check. A value that passes is replaced with `clean(value)`.
    """
    extra = {"check": check, "clean": clean}
    return msgspec.Meta(extra=extra, examples=[example], extra_json_schema=schema, **constraints)


def _check_zone(value: str) -> str | None:
    return None if value in clock.ZONES else translatable("must be an IANA time zone, such as Europe/Berlin")


def _check_region(value: str) -> str | None:
    return None if regions.is_region(value) else translatable("must be a country code, such as GB")


def _check_year(value: date) -> str | None:
    return None if FIRST_YEAR <= value.year <= LAST_YEAR else "must be between the years 1900 and 2999"


def _check_minute(value: datetime) -> str | None:
    return _check_year(value) or (
        None if is_whole_minute(value) else translatable("must be on a whole minute, without seconds")
    )


def _check_visible(value: str) -> str | None:
    return (
        None
        if any(character.isprintable() and not character.isspace() for character in value)
        else translatable("must not be empty")
    )


def _check_slug(value: str) -> str | None:
    """Page addresses contain a clinic's slug or its number, so a numeric slug could be mistaken for another clinic's
    number.
    """
    if not SLUG.fullmatch(value):
        return "is not in the required format"
    return translatable("cannot be a number, because numbers identify clinics") if value.isdecimal() else None


END_OF_TEXT: Final = r"$(?!\n)"
"""Matches the end of the text in a pattern: `$` on its own also matches before a final line break."""
YEAR_SCHEMA: Final = {"pattern": "^(19|2[0-9])[0-9]{2}-"}
Name = Annotated[str, constraint(_check_visible, example="Lakeside Clinic", schema={"pattern": r"\S"}, max_length=200)]
PersonName = Annotated[Name, msgspec.Meta(examples=["Ana Souza"])]
Text = Annotated[str, msgspec.Meta(max_length=5000)]
PostalAddress = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=500, examples=["Am Fichtenhain 7\n10115 Berlin"])]
"""The lines below the name on an envelope, separated by line breaks."""
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Email = Annotated[
    str,
    constraint(
        email_addresses.check,
        clean=email_addresses.clean,
        example="ana@example.org",
        schema={"format": "idn-email", "pattern": r"^[^@\s<>]+@[^@\s<>.]+(\.[^@\s<>.]+)+$"},
        max_length=email_addresses.MAX_LENGTH,
    ),
]
Phone = Annotated[
    str,
    constraint(
        phones.check,
        clean=phones.clean,
        example="+493012345678",
        schema={"pattern": r"^\s*\+?[\d\s()./-]+$"},
        min_length=3,
        max_length=40,
    ),
]
WebAddress = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^https?://[^\s/?#@<>\"'\\]+([/?#][^\s<>\"]*)?" + END_OF_TEXT,
        max_length=500,
        examples=["https://clinic.example.org/privacy"],
    ),
]
Slug = Annotated[
    str,
    constraint(
        _check_slug,
        example="lakeside",
        schema={"pattern": "^(?![0-9]+$)[a-z0-9]+(-[a-z0-9]+)*$"},
        max_length=100,
    ),
]
TimeZone = Annotated[str, constraint(_check_zone, example="Europe/Berlin", schema={"format": "time-zone"})]
Currency = money.Currency
ClinicNumber = Annotated[int, msgspec.Meta(ge=1, le=ids.MAX_CLINIC_ID, examples=[1])]
Locale = Literal["en", "de", "es", "fr"]
Region = Annotated[str, constraint(_check_region, example="GB", schema={"pattern": "^([A-Z]{2}|419)$"})]
"""A country, or Latin America."""
Instant = Annotated[
    datetime, constraint(_check_year, example=datetime(2027, 3, 1, 8, 30, tzinfo=UTC), schema=YEAR_SCHEMA, tz=True)
]
Minute = Annotated[
    datetime, constraint(_check_minute, example=datetime(2027, 3, 1, 8, 30, tzinfo=UTC), schema=YEAR_SCHEMA, tz=True)
]
"""An instant on a whole minute."""
Date = Annotated[date, constraint(_check_year, example=date(2027, 3, 1), schema=YEAR_SCHEMA)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WallTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]" + END_OF_TEXT, examples=["09:00"])]
WallTimeEnd = Annotated[
    str, msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)" + END_OF_TEXT, examples=["12:30"])
]


def check_times(start: datetime, end: datetime) -> None:
    """Raise `Invalid` for `endTime` unless the range lasts a positive whole number of minutes."""
    if end <= start:
        raise errors.Invalid(errors.Fault("#/endTime", "must be after the start"))
    if (end - start) % timedelta(minutes=1):
        raise errors.Invalid(errors.Fault("#/endTime", "must be a whole number of minutes after the start"))


def is_whole_minute(instant: datetime) -> bool:
    return not (instant - EPOCH) % timedelta(minutes=1)


def next_minute(instant: datetime) -> datetime:
    """Return the first whole minute at or after an instant."""
    return instant + (EPOCH - instant) % timedelta(minutes=1)


def parse_wall_time(wall_time: str) -> int:
    """Return the minutes from midnight to a wall time such as "09:30"; "24:00" is the end of the day."""
    hours, minutes = wall_time.split(":")
    return int(hours) * 60 + int(minutes)


def format_wall_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
