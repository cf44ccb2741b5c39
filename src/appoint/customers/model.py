"""Customers, patients (clinics' records of customers), and searches for them."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ..kit import errors, fields
from ..kit.regions import is_day_first
from ..kit.structs import PageQuery, RequestBody, Resource

CustomerToken = Annotated[
    str,
    Meta(max_length=500, examples=["apc_WyIwMTk3OGE1YzdkM2U3YTYzODRmNzA3NGQyMjZiM2Q1ZCIsMTgwMDAwMDAwMF0.UwXSFDfQ5SRm"]),
]
RecordNumber = Annotated[str, Meta(pattern=r"\S", max_length=200, examples=["2027-0113"])]


class CustomerContent(RequestBody):
    """A customer's details. Several customers may share an email address or phone number, as families do."""

    name: fields.PersonName
    email: fields.Email | None = None
    phone: fields.Phone | None = None
    """A number without a country code is assumed to be in the country of `timeZone`, or else of `locale`."""
    locale: fields.Locale | None = None
    time_zone: fields.TimeZone | None = None
    birth_date: fields.Date | None = None
    postal_address: fields.PostalAddress | None = None
    """The customer's postal address, which clinics put on invoices."""


class CustomerPatch(RequestBody):
    name: fields.PersonName | UnsetType = UNSET
    email: fields.Email | None | UnsetType = UNSET
    phone: fields.Phone | None | UnsetType = UNSET
    locale: fields.Locale | None | UnsetType = UNSET
    time_zone: fields.TimeZone | None | UnsetType = UNSET
    birth_date: fields.Date | None | UnsetType = UNSET
    postal_address: fields.PostalAddress | None | UnsetType = UNSET
    active: Literal[True] | UnsetType = UNSET
    """Restores a removed customer. To remove one, use `DELETE`."""


class CustomerFilter(PageQuery):
    q: fields.ShortText | None = None
    """Parts of the name, email address or phone number, in any order. Accents are ignored."""


class FindCustomers(RequestBody):
    """Exactly one of the two members is required."""

    EXAMPLE: ClassVar = {"email": "ana@example.org"}

    email: fields.Email | None = None
    """The full address. Case is ignored."""
    phone: fields.Phone | None = None
    """The full number. Without a country code, it is assumed to be in the clinic's country."""

    def __post_init__(self) -> None:
        if self.email and self.phone:
            raise errors.Invalid(errors.Fault("#/phone", "cannot be combined with the other search field"))
        if not (self.email or self.phone):
            raise errors.Invalid(errors.Fault("#/email", "is required unless phone is given"))


class FoundCustomer(msgspec.Struct, rename="camel"):
    """The details needed to book for a customer."""

    customer_id: UUID
    name: str
    is_patient: bool
    """Whether the customer is a patient at the clinic."""

    @property
    def id(self) -> UUID:
        """The id for the audit entry."""
        return self.customer_id


class Customer(Resource):
    id: UUID
    name: str
    email: str | None
    phone: str | None
    locale: fields.Locale | None
    region: str | None
    """The country whose formats pages and messages follow, if the customer has chosen one."""
    time_zone: str | None
    birth_date: date | None
    postal_address: str | None
    active: bool
    removed_at: datetime | None
    erased_at: datetime | None
    """When the customer's data was permanently erased."""
    customer_token: CustomerToken | UnsetType = UNSET
    """Proves for an hour that its holder has registered this customer. To book for the customer without signing in,
    send it along with `customerId`. Only the response to the registration and its repeats contain it.
    """


class PatientContent(CustomerContent):
    """A new patient, as reception registers them."""

    record_number: RecordNumber | None = None
    notes: fields.Text | None = None


class PatientPatch(RequestBody):
    """Changes to a patient. Details that belong to the patient, because they have confirmed an address or are a patient
    at another clinic, are changed only for this clinic."""

    EXAMPLE: ClassVar = {"recordNumber": "2027-0113", "notes": "Prefers mornings"}

    record_number: RecordNumber | None | UnsetType = UNSET
    notes: fields.Text | None | UnsetType = UNSET
    name: fields.PersonName | UnsetType = UNSET
    email: fields.Email | None | UnsetType = UNSET
    phone: fields.Phone | None | UnsetType = UNSET
    """A number without a country code is assumed to be in the clinic's country."""
    locale: fields.Locale | None | UnsetType = UNSET
    birth_date: fields.Date | None | UnsetType = UNSET
    postal_address: fields.PostalAddress | None | UnsetType = UNSET


class PatientFilter(PageQuery):
    q: fields.ShortText | None = None
    """Parts of the name, email address, phone number or record number, in any order (accents are ignored); or the date
    of birth, as written in the region in `Accept-Language`."""
    updated_since: fields.Instant | None = None
    """Return only patients whose record, or the customer itself, changed at this time or later."""


class Patient(Resource):
    """A clinic's record of a customer. `version` and `updated_at` include changes to the customer."""

    id: UUID
    """The customer's id: patients have no id of their own. If the record is joined with others, this is the id of the
    main record, whichever of them was requested."""
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
    postal_address: str | None
    active: bool
    """Whether the customer is still registered."""
    joined_ids: list[UUID]
    """The other records that staff have joined with this one, because they belong to the same person."""


LIKE_WILDCARD: Final = re.compile(r"([\\%_])")
"""Characters with a special meaning in LIKE patterns."""
BACKSLASH_BEFORE: Final = r"\\\1"
SEPARATORS: Final = re.compile(r"[\s()./+-]")
DATE: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[./-] ?(\d{1,2})[./-] ?(\d{4}|\d{2})")
WORDS: Final = re.compile(rf"(?:(?P<date>{DATE.pattern})|(?P<number>[(+]?\d[\d()./+\-\s]*))(?=[\s,;]|$)|[^\s,;]+")
"""The words of a search: a date, a number with or without spaces, or any other word."""


class SearchTerms(NamedTuple):
    """Search criteria. The strings are LIKE patterns that have yet to be `folded`."""

    words: Sequence[str] = ()
    """Each must match the name, the contact details or the record number. Separators are ignored when matching numbers.
    """
    birth_dates: Sequence[date] = ()
    """The date of birth must be one of these, or `date_pattern` must match as a whole word."""
    date_pattern: str = "%"

    @property
    def starts(self) -> list[str]:
        """Patterns for names in which each word of the search begins a word. Numbers can be anywhere."""
        return [word if word.strip("%").isdecimal() else f"% {word[1:]}" for word in self.words]


NO_TERMS: Final = SearchTerms()


def search_terms(q: str | None, language: str | None = None) -> SearchTerms | None:
    """Parse a search into its words and, if a language or its region is given, a date of birth. Return None for an
    empty search."""
    words: list[str] = []
    birth_dates, date_pattern = NO_TERMS.birth_dates, NO_TERMS.date_pattern
    for word in WORDS.finditer(q or ""):
        dates = _possible_dates(word["date"], language) if language and not birth_dates and word["date"] else []
        if dates:
            birth_dates, date_pattern = dates, _pattern(word[0])
        else:
            words.append(_pattern(word[0]))
    return SearchTerms(words, birth_dates, date_pattern) if words or birth_dates else None


def _pattern(word: str) -> str:
    """Return a LIKE pattern for the word. If it is a number, separators and leading zeros are ignored."""
    digits = SEPARATORS.sub("", word).lstrip("0")
    return (
        f"%{digits}%" if digits.isascii() and digits.isdecimal() else f"%{LIKE_WILDCARD.sub(BACKSLASH_BEFORE, word)}%"
    )


def _possible_dates(text: str, language: str) -> list[date]:
    """Return the dates that the text could mean.

    The year may be written without its century. In regions where the month or the year comes
    first, and in English without a region, people may still write the day first.
    """
    match = DATE.fullmatch(text)
    assert match
    year, month, day, first, second, last = match.groups()
    if year:
        readings = [(year, month, day)]
    else:
        years = [last] if len(last) == 4 else [f"20{last}", f"19{last}"]
        orders = [(second, first)] if is_day_first(language) else [(second, first), (first, second)]
        readings = [(year, *order) for year in years for order in orders]
    days: list[date] = []
    for reading in readings:
        with suppress(ValueError):
            days.append(date(*map(int, reading)))
    return days
