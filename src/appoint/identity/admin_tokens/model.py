"""Administrators' tokens: format and lifetime."""

import hashlib
import re
import secrets
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, NamedTuple
from uuid import UUID

from msgspec import Meta, Struct

from ...kit import fields
from ...kit.structs import PageQuery, RequestBody

PREFIX: Final = "apa_"
"""The prefix of every administrator token, which lets scanners recognise leaked ones."""
TOKEN: Final = re.compile(PREFIX + r"([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
MAX_TOKENS: Final = 100
MAX_DAYS: Final = 366
DEFAULT_DAYS: Final = 90
TokenName = Annotated[fields.Name, Meta(examples=["Nightly backup check"])]
Days = Annotated[int, Meta(ge=1, le=MAX_DAYS)]


class NewAdminToken(RequestBody):
    """A token for one person or program that administers the platform."""

    name: TokenName
    """The person or program that uses the token. The audit log shows the token's id."""
    days: Days = DEFAULT_DAYS
    """The number of days after which the token stops working."""
    EXAMPLE: ClassVar[dict[str, Any]] = {"name": "Nightly backup check", "days": 90}


class AdminTokenFilter(PageQuery):
    active: bool = True
    """Set to false to list expired and revoked tokens."""


class AdminToken(Struct, rename="camel", kw_only=True):
    id: UUID
    created_at: datetime
    name: TokenName
    expires_at: datetime
    last_used_at: datetime | None
    """Updated at most once a minute."""
    revoked_at: datetime | None


class AdminTokenWithSecret(AdminToken):
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "01978a5c-7d3e-7a63-84f7-074d226b3d5e",
        "createdAt": "2027-02-01T10:15:00Z",
        "name": "Nightly backup check",
        "expiresAt": "2027-05-02T10:15:00Z",
        "lastUsedAt": None,
        "revokedAt": None,
        "token": "apa_01978a5c7d3e7a6384f7074d226b3d5e_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    }

    token: str | None
    """The bearer token. Appoint stores only a digest and returns the token only once; in the response to a repeated
    request, it is null."""


class StoredToken(NamedTuple):
    """The data needed to identify a caller by a token."""

    id: UUID
    secret_hash: bytes
    expires_at: datetime
    last_used_at: datetime | None


class PresentedToken(NamedTuple):
    """A token from a request: the id that it claims to have, and its secret's digest."""

    id: UUID
    secret_hash: bytes


def parse_token(token: str) -> PresentedToken | None:
    """Parse a bearer token. Return None if it is not an administrator's token."""
    match = TOKEN.fullmatch(token)
    return PresentedToken(UUID(hex=match[1]), hash_secret(match[2])) if match else None


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Return the digest to store. A secret has 256 random bits, so it needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def serialize_token(token_id: UUID, secret: str) -> str:
    """Return the token in the form its owner receives."""
    return f"{PREFIX}{token_id.hex}_{secret}"
