"""Find the clinic that a request is about, in its address or its body."""

import json
from base64 import urlsafe_b64decode
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from ...kit.ids import MAX_CLINIC_ID, PLATFORM, clinic_of

BY_NAME: Final = frozenset({"c", "embed"})
"""Pages whose address contains the clinic's short name, or else its number."""
BY_NUMBER: Final = frozenset({"staff", "images"})
BY_TOKEN: Final = frozenset({"appointments", "a", "join", "invoices", "paid"})
"""Pages whose address contains a token that begins with an id."""
NAMED_IN_BODY: Final = frozenset(
    {
        "/api/appointments",
        "/api/availability/createBookingSlots",
        "/api/bookingSlots",
        "/api/bookings",
        "/api/coupons/check",
        "/api/providers",
    }
)
"""Operations whose body names the clinic, or something that belongs to it."""
NAMED_IN_QUERY: Final = "/api/availability/search"
"""The search that can be limited to one clinic."""
MANAGE_LINK: Final = "apm_"
"""The beginning of tokens in manage links."""
ID_CHARACTERS: Final = 22
"""The length of an id in Base64."""


def clinic_in_path(path: str) -> int | str | None:
    """Return the number or the short name of the clinic that the path is about, or None if it names none."""
    first, *rest = path[1:].split("/")
    if not rest:
        return None
    if first in BY_NAME:
        return _number(rest[0]) or rest[0]
    if first in BY_NUMBER:
        return _number(rest[0])
    if first in BY_TOKEN:
        return _clinic_in_token(rest[0])
    if first == "api" and rest[0] == "clinics" and len(rest) > 1:
        return _number(rest[1])
    return next(filter(None, map(_clinic_in_id, rest)), None)


def clinic_in_query(query: bytes) -> int | None:
    """Return the clinic to which a query limits a search."""
    members = dict(parse_qsl(query.decode("latin-1")))
    return _number(members.get("clinicId", "")) or _clinic_in_id(members.get("appointmentTypeId", ""))


def clinic_in_body(body: bytes) -> int | None:
    """Return the clinic that a JSON body names in its `clinicId`, or else by an id of something that belongs to a
    clinic. The operation itself rejects a body that is invalid."""
    try:
        content: Any = json.loads(body)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    members: dict[str, Any] = content  # pyright: ignore[reportUnknownVariableType]
    number = members.get("clinicId")
    if isinstance(number, int):
        return number
    return next(filter(None, (_clinic_in_id(value) for value in members.values() if isinstance(value, str))), None)


def _number(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else 0
    return number if 1 <= number <= MAX_CLINIC_ID else None


def _clinic_in_id(text: str) -> int | None:
    if len(text) != 36:
        return None
    try:
        return _clinic_of(UUID(text))
    except ValueError:
        return None


def _clinic_in_token(token: str) -> int | None:
    encoded = token.removeprefix(MANAGE_LINK)[:ID_CHARACTERS]
    if len(encoded) < ID_CHARACTERS:
        return None
    try:
        return _clinic_of(UUID(bytes=urlsafe_b64decode(encoded + "==")))
    except ValueError:
        return None


def _clinic_of(id: UUID) -> int | None:
    """Return the clinic of an id that contains one. Customers' and accounts' ids are of another version."""
    return clinic_of(id) if id.version == 8 and clinic_of(id) != PLATFORM else None
