"""Confirmation codes and links."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, NamedTuple
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from ...kit import fields, signed_tokens
from ...kit.structs import RequestBody
from ..model import CancelCause, Status

PURPOSE: Final = "confirm-booking"
MAX_ATTEMPTS: Final = 5
"""How many times a code can be entered."""
MAX_CODES: Final = 3
"""How many codes can be sent for one booking."""
CONFIRMATION_PROBLEMS: Final = (
    "code-required",
    "wrong-confirmation-code",
    "new-code-required",
    "hold-expired",
    "payment-required",
    "wrong-status",
    "customer-busy",
    "too-many-appointments",
    "version-mismatch",
)
"""Why a booking cannot be confirmed."""


class ConfirmationCode(RequestBody):
    """The code from the message. It is required only of people who booked without signing in."""

    code: Annotated[str, Meta(pattern="^[0-9]{6}" + fields.END_OF_TEXT, examples=["314159"])] | UnsetType = UNSET
    EXAMPLE: ClassVar[dict[str, Any]] = {"code": "314159"}


class Hold(NamedTuple):
    """A held appointment and its booking's code."""

    booking_id: UUID
    customer_id: UUID
    """The booker, who receives the code."""
    customer_version: int
    number: int
    """The latest code's number, from 1."""
    attempts: int
    confirmed: bool
    """Whether the address is confirmed already."""
    status: Status
    hold_expires_at: datetime | None
    cancel_cause: CancelCause | None

    def is_expired(self, now: datetime) -> bool:
        return self.cancel_cause == CancelCause.HOLD_EXPIRED or (
            self.hold_expires_at is not None and self.hold_expires_at <= now
        )


class Attempt(NamedTuple):
    """An attempt to enter a code. Wrong codes are counted before the caller receives a response."""

    number: int
    """The number of the code to compare the entered one with."""
    attempts: int
    """How many attempts have been made, including this one."""


def code(secret: str, booking_id: UUID, number: int) -> str:
    """Return a booking's code. It is derived from the booking, so it is not stored."""
    return signed_tokens.six_digit_code(secret, PURPOSE, f"{booking_id} {number}")


def link_token(secret: str, booking_id: UUID, customer_version: int) -> str:
    """Return the token in the link that confirms a booking. Only the message contains it."""
    return signed_tokens.sign(secret, PURPOSE, [booking_id.hex, customer_version])


def booking_of(secret: str, token: str) -> tuple[UUID, int] | None:
    """Return the booking and the customer version that a link is for, or None if its signature is invalid."""
    match signed_tokens.verify(secret, PURPOSE, token):
        case [str(booking_id), int(customer_version)]:
            return UUID(booking_id), customer_version
        case _:
            return None
