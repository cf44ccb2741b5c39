"""A customer, and a patient: the same person with what one clinic knows."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ..kit import errors, fields
from ..kit.structs import PageQuery, RequestBody, Resource

RecordNumber = Annotated[str, Meta(pattern=r"\S", max_length=200, examples=["2027-0113"])]


class CustomerContent(RequestBody):
    """What a caller says about a customer. E-mail and phone may be others' too: families share them."""

    name: fields.PersonName
    email: fields.Email | None = None
    phone: fields.Phone | None = None
    """A number without its country's code is read in the country of `timeZone`, or else of `locale`."""
    locale: fields.Locale | None = None
    time_zone: fields.TimeZone | None = None
    birth_date: fields.Date | None = None


class CustomerPatch(RequestBody):
    name: fields.PersonName | UnsetType = UNSET
    email: fields.Email | None | UnsetType = UNSET
    phone: fields.Phone | None | UnsetType = UNSET
    locale: fields.Locale | None | UnsetType = UNSET
    time_zone: fields.TimeZone | None | UnsetType = UNSET
    birth_date: fields.Date | None | UnsetType = UNSET
    active: Literal[True] | UnsetType = UNSET
    """Brings a removed customer back; `DELETE` removes."""


class CustomerFilter(PageQuery):
    q: fields.ShortText | None = None
    """Parts of the name, e-mail address or phone number, in any order, with accents or without."""


class FindCustomers(RequestBody):
    """Whose: exactly one of the two."""

    EXAMPLE: ClassVar = {"email": "ana@example.org"}

    email: fields.Email | None = None
    """The whole address, in capitals or not."""
    phone: fields.Phone | None = None
    """The whole number; without its country's code it is read in the country of the clinic."""

    def __post_init__(self) -> None:
        if self.email and self.phone:
            raise errors.Invalid(errors.Fault("#/phone", "cannot be combined with the other search field"))
        if not (self.email or self.phone):
            raise errors.Invalid(errors.Fault("#/email", "is required unless phone is given"))


class FoundCustomer(msgspec.Struct, rename="camel"):
    """As much of a customer as it takes to book for them."""

    customer_id: UUID
    name: str
    is_patient: bool
    """Whether the clinic knows them already."""

    @property
    def id(self) -> UUID:
        """By which the record knows who was found."""
        return self.customer_id


class Customer(Resource):
    id: UUID
    name: str
    email: str | None
    phone: str | None
    locale: fields.Locale | None
    time_zone: str | None
    birth_date: date | None
    active: bool
    removed_at: datetime | None
    erased_at: datetime | None
    """When all that was known of them went, for good."""


class PatientPatch(RequestBody):
    record_number: RecordNumber | None | UnsetType = UNSET
    notes: fields.Text | None | UnsetType = UNSET


class PatientFilter(PageQuery):
    q: fields.ShortText | None = None
    """Parts of the name, e-mail address, phone number or record number, in any order, with accents or without; or the
    date of birth, as it is written in the language of the request."""


class Patient(Resource):
    """`version` and `updated_at` count changes of the customer too, since those show here."""

    id: UUID
    """The customer's: a patient has no other."""
    customer_id: UUID
    clinic_id: int
    record_number: str | None
    notes: str | None
    name: str
    email: str | None
    phone: str | None
    locale: fields.Locale | None
    time_zone: str | None
    birth_date: date | None
    active: bool
    """Whether the customer is still registered."""


SPECIAL: Final = re.compile(r"([\\%_])")
"""What LIKE reads as more than itself."""
PLAIN: Final = r"\\\1"
SEPARATORS: Final = re.compile(r"[\s()./+-]")
DATE: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[./-] ?(\d{1,2})[./-] ?(\d{4}|\d{2})")
WORDS: Final = re.compile(rf"(?:(?P<date>{DATE.pattern})|(?P<number>[(+]?\d[\d()./+\-\s]*))(?=[\s,;]|$)|[^\s,;]+")
"""What a search is of: a date, a number with spaces in it or without, or any other word."""


class SearchTerms(NamedTuple):
    """Who is looked for. The texts are LIKE patterns, to be `folded`."""

    words: Sequence[str] = ()
    """Each is found in the name, the contact or the record number; of these numbers without separators."""
    born: Sequence[date] = ()
    """On one of these days, or else `instead` is among the words, too."""
    instead: str = "%"


EVERYBODY: Final = SearchTerms()


def search_terms(q: str | None, language: str | None = None) -> SearchTerms | None:
    """What a search says, its words in any order; in a language it may say a date of birth. None for no text."""
    words: list[str] = []
    born, instead = EVERYBODY.born, EVERYBODY.instead
    for word in WORDS.finditer(q or ""):
        if language and not born and word["date"] and (born := _days(word["date"], month_first=language == "en")):
            instead = _pattern(word[0])
        else:
            words.append(_pattern(word[0]))
    return SearchTerms(words, born, instead) if words or born else None


def _pattern(word: str) -> str:
    """What can be a number as numbers are looked through: without separators and the zeros in front."""
    digits = SEPARATORS.sub("", word).lstrip("0")
    return f"%{digits}%" if digits.isascii() and digits.isdecimal() else f"%{SPECIAL.sub(PLAIN, word)}%"


def _days(text: str, *, month_first: bool) -> list[date]:
    """What a date can mean: its year may be written without the century; who writes the month first may write it after
    the day all the same."""
    match = DATE.fullmatch(text)
    assert match
    year, month, day, first, second, last = match.groups()
    if year:
        readings = [(year, month, day)]
    else:
        years = [last] if len(last) == 4 else [f"20{last}", f"19{last}"]
        orders = [(second, first), (first, second)] if month_first else [(second, first)]
        readings = [(year, *order) for year in years for order in orders]
    days: list[date] = []
    for reading in readings:
        with suppress(ValueError):
            days.append(date(*map(int, reading)))
    return days
