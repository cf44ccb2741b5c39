"""Types of what comes in: what msgspec's own constraints cannot say is said by a check, which names what is wrong or
returns None."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec

from . import clock, errors, ids, money
from .i18n import translatable

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2999


def checked(check: Any, /, *, example: Any, shown: dict[str, str], **constraints: Any) -> msgspec.Meta:
    """A constraint that `check(value) -> message | None` decides; the message is one of the catalogue. `shown` is what
    a JSON schema can say of it."""
    return msgspec.Meta(extra={"check": check}, examples=[example], extra_json_schema=shown, **constraints)


def _zone(value: str) -> str | None:
    return None if value in clock.ZONES else translatable("must be an IANA time zone, such as Europe/Berlin")


def _year(value: date) -> str | None:
    return None if FIRST_YEAR <= value.year <= LAST_YEAR else "must be between the years 1900 and 2999"


def _visible(value: str) -> str | None:
    return (
        None
        if any(character.isprintable() and not character.isspace() for character in value)
        else translatable("must not be empty")
    )


END: Final = r"$(?!\n)"
"""The end of a text: `$` alone also stands before a line break that is the last character."""
YEARS: Final = {"pattern": "^(19|2[0-9])[0-9]{2}-"}
Name = Annotated[str, checked(_visible, example="Lakeside Clinic", shown={"pattern": r"\S"}, max_length=200)]
PersonName = Annotated[Name, msgspec.Meta(examples=["Ana Souza"])]
Text = Annotated[str, msgspec.Meta(max_length=5000)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
# İ and the Kelvin sign are not ASCII and in lower case they are: an address with one of them would count as somebody
# else's
Email = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[^@\s\x00-\x1f\x7f<>\u0130\u212a]+@[^@\s\x00-\x1f\x7f<>.\u0130\u212a]+(\.[^@\s\x00-\x1f\x7f<>.\u0130\u212a]+)+"
        + END,
        max_length=254,
        examples=["ana@example.org"],
    ),
]
Phone = Annotated[
    str, msgspec.Meta(pattern=r"^\s*\+?[\d\s()./-]+$", min_length=3, max_length=40, examples=["+493012345678"])
]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*" + END, max_length=100, examples=["lakeside"])]
TimeZone = Annotated[str, checked(_zone, example="Europe/Berlin", shown={"format": "time-zone"})]
Currency = money.Currency
ClinicNumber = Annotated[int, msgspec.Meta(ge=1, le=ids.LARGEST_CLINIC, examples=[1])]
Locale = Literal["en", "de", "es", "fr"]
Instant = Annotated[datetime, checked(_year, example=datetime(2027, 3, 1, 8, 30, tzinfo=UTC), shown=YEARS, tz=True)]
Date = Annotated[date, checked(_year, example=date(2027, 3, 1), shown=YEARS)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WallTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]" + END, examples=["09:00"])]
WallTimeEnd = Annotated[str, msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)" + END, examples=["12:30"])]


def check_times(start: datetime, end: datetime) -> None:
    """Raises `Invalid` at `endTime` for a range that does not last whole minutes, one at least."""
    if end <= start:
        raise errors.Invalid(errors.Fault("#/endTime", "must be after the start"))
    if (end - start) % timedelta(minutes=1):
        raise errors.Invalid(errors.Fault("#/endTime", "must be a whole number of minutes after the start"))


def minutes_of(wall_time: str) -> int:
    """Minutes from midnight of a wall time such as "09:30"; "24:00" is the end of the day."""
    hours, minutes = wall_time.split(":")
    return int(hours) * 60 + int(minutes)


def wall_time_of(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
