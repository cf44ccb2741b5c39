"""A customer, and a patient: the same person with what one clinic knows."""

import re
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from .. import errors, wire
from ..resources import PageQuery, Request, Resource

RecordNumber = Annotated[str, Meta(pattern=r"\S", max_length=200, examples=["2027-0113"])]


class CustomerContent(Request):
    """What a caller says about a customer. E-mail and phone may be others' too: families share them."""

    name: wire.PersonName
    email: wire.Email | None = None
    phone: wire.Phone | None = None
    """A number without its country's code is read in the country of `timeZone`, or else of `locale`."""
    locale: wire.Locale | None = None
    time_zone: wire.TimeZone | None = None
    birth_date: wire.Date | None = None


class CustomerPatch(Request):
    name: wire.PersonName | UnsetType = UNSET
    email: wire.Email | None | UnsetType = UNSET
    phone: wire.Phone | None | UnsetType = UNSET
    locale: wire.Locale | None | UnsetType = UNSET
    time_zone: wire.TimeZone | None | UnsetType = UNSET
    birth_date: wire.Date | None | UnsetType = UNSET
    active: Literal[True] | UnsetType = UNSET
    """Brings a removed customer back; `DELETE` removes."""


class CustomerFilter(PageQuery):
    q: wire.ShortText | None = None
    """Part of the name, e-mail address or phone number."""


class FindCustomers(Request):
    """Whose: exactly one of the two."""

    EXAMPLE: ClassVar = {"email": "ana@example.org"}

    email: wire.Email | None = None
    """The whole address, in capitals or not."""
    phone: wire.Phone | None = None
    """The whole number; without its country's code it is read in the country of the clinic."""

    def __post_init__(self) -> None:
        if self.email and self.phone:
            raise errors.Invalid(errors.Fault("#/phone", "is one way to find somebody; leave out the other"))
        if not (self.email or self.phone):
            raise errors.Invalid(errors.Fault("#/email", "is needed, or phone"))


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
    locale: wire.Locale | None
    time_zone: str | None
    birth_date: date | None
    active: bool
    removed_at: datetime | None
    erased_at: datetime | None
    """When all that was known of them went, for good."""


class PatientPatch(Request):
    record_number: RecordNumber | None | UnsetType = UNSET
    notes: wire.Text | None | UnsetType = UNSET


class PatientFilter(PageQuery):
    q: wire.ShortText | None = None
    """Part of the name, e-mail address, phone number or record number."""


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
    locale: wire.Locale | None
    time_zone: str | None
    birth_date: date | None
    active: bool
    """Whether the customer is still registered."""


SPECIAL: Final = re.compile(r"([\\%_])")
"""What LIKE reads as more than itself."""
SEPARATORS: Final = re.compile(r"[\s()./+-]")


class Wanted(NamedTuple):
    """LIKE patterns of what is looked for; a person who fits one of them is found."""

    text: str
    number: str


def wanted(q: str | None) -> Wanted | None:
    """The text as it stands, and what can be a phone number also as phone numbers are kept: without separators and the zeros in front. None for no text."""
    text = (q or "").strip()
    if not text:
        return None
    pattern = "%" + SPECIAL.sub(r"\\\1", text) + "%"
    digits = SEPARATORS.sub("", text).lstrip("0")
    return Wanted(pattern, f"%{digits}%" if digits.isascii() and digits.isdecimal() else pattern)
