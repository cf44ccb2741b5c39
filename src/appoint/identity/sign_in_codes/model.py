"""Sign-in code requests, and the outcome of entering a code."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ...kit import errors, fields, phones
from ...kit.structs import RequestBody
from ...messaging.channels.model import Channel
from ..sessions.model import SignedIn

PURPOSE: Final = "sign-in"
MAX_SHARING: Final = 20
"""How many patients can share an address and still sign in with it. An address that more people share is not
personal."""


class SignInCodeRequest(RequestBody):
    """The email address or phone number to send the code to. It must be on the patient's record."""

    email: fields.Email | UnsetType = UNSET
    phone: fields.Phone | UnsetType = UNSET
    """A number without a country code is assumed to be from the country of `timeZone` or, failing that, of `locale`."""
    time_zone: fields.TimeZone | UnsetType = UNSET
    locale: fields.Locale | UnsetType = UNSET
    EXAMPLE: ClassVar[dict[str, Any]] = {"email": "ana@example.org"}

    def __post_init__(self) -> None:
        if not self.email and not self.phone:
            raise errors.Invalid(errors.Fault("#/email", "is required unless phone is given"))
        if self.email and self.phone:
            raise errors.Invalid(errors.Fault("#/phone", "must be left out if email is given"))

    @property
    def address(self) -> "Address":
        """Return the address in the request. Raise `Invalid` for an invalid phone number."""
        if self.email:
            return Address("email", self.email)
        assert self.phone, "`__post_init__` has checked it"
        number = phones.to_e164(self.phone, time_zone=self.time_zone or None, locale=self.locale or None)
        if number is None:
            raise errors.Invalid(errors.Fault("#/phone", phones.INVALID_PHONE_NUMBER))
        return Address("sms", number)


class Address(msgspec.Struct, frozen=True):
    """An email address, or a phone number in E.164 format."""

    channel: Channel
    text: str

    @property
    def account(self) -> str:
        """The account name under which sign-in attempts are counted."""
        return f"code {self.channel} {self.text.lower()}"


class SignInCode(msgspec.Struct, rename="camel"):
    """A code. It is sent only if the address is on a patient's record; the response does not reveal whether it is."""

    code_id: UUID
    expires_at: datetime


class SentCode(NamedTuple):
    """A stored code: its channel, and the customers who had the address when the code was sent."""

    channel: Channel
    customer_ids: list[UUID]
    created_at: datetime


class CodeAnswer(RequestBody):
    """The code from the message."""

    code: Annotated[str, Meta(pattern="^[0-9]{6}" + fields.END_OF_TEXT, examples=["314159"])]
    customer_id: UUID | UnsetType = UNSET
    """The patient to sign in, if several share the address."""
    cookie: bool = False
    """For pages: return the token as a cookie that scripts cannot read, instead of in the response body."""
    EXAMPLE: ClassVar[dict[str, Any]] = {"code": "314159"}


class SignInChoice(msgspec.Struct, rename="camel"):
    """One of the patients who share the address."""

    customer_id: UUID
    name: fields.PersonName


class CodeOutcome(msgspec.Struct, omit_defaults=True):
    """The new session or, if several patients share the address, the choices. To sign in, send the code again with one
    of the choices."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "session": {
            "id": "01978a5c-7d3e-7a63-84f7-074d226b3d60",
            "expiresAt": "2027-03-01T20:30:00Z",
            "account": {
                "userId": None,
                "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
                "administrator": False,
                "name": "Ana Souza",
                "email": "ana@example.org",
                "locale": "en",
                "totp": False,
                "memberships": [],
            },
            "token": "aps_2b8vWc1cQpJmY4l0m0mZ5mJx4n0p1q2r3s4t5u6v7w8",
        }
    }

    session: SignedIn | UnsetType = UNSET
    choices: list[SignInChoice] | UnsetType = UNSET
