"""API keys of partner systems: what they look like, what they may, and when one holds."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from ...kit import fields
from ...kit.i18n import translatable
from ...kit.permissions import SCOPES
from ...kit.structs import PageQuery, RequestBody, Resource

PREFIX: Final = "apt_"
MOST_KEYS: Final = 100
SECRET_BYTES: Final = 32
USE_NOTED_EVERY: Final = timedelta(minutes=1)
TOKEN: Final = re.compile(PREFIX + r"([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


def _known(value: str) -> str | None:
    return None if value in SCOPES else translatable("cannot be granted to an API key")


KeyName = Annotated[fields.Name, Meta(examples=["Referral portal"])]
Scope = Annotated[
    str, Meta(extra={"check": _known}, examples=["see-appointments"], extra_json_schema={"enum": sorted(SCOPES)})
]
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=100)]
RequestsPerMinute = Annotated[int, Meta(ge=1, le=1_000_000, examples=[600])]
OverlapMinutes = Annotated[int, Meta(ge=0, le=10_080)]
DAY_MINUTES: Final = 1440


class ApiKeyContent(RequestBody):
    """Which system it is, and what it may."""

    name: KeyName
    scopes: Scopes
    expires_at: fields.Instant | None = None
    """The key works until then; none: until it is removed."""
    requests_per_minute: RequestsPerMinute | None = None
    """A limit of the key's own, instead of the usual ones."""


class ApiKeyPatch(RequestBody):
    name: KeyName | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    expires_at: fields.Instant | None | UnsetType = UNSET
    requests_per_minute: RequestsPerMinute | None | UnsetType = UNSET


class ApiKeyRotation(RequestBody):
    overlap_minutes: OverlapMinutes = DAY_MINUTES
    """How long the secret before goes on working; 0: not at all."""


class ApiKeyFilter(PageQuery):
    active: bool = True
    """false: the removed ones."""


class ApiKey(Resource):
    id: UUID
    clinic_id: int
    name: str
    scopes: list[Scope]
    expires_at: datetime | None
    requests_per_minute: int | None
    old_secret_until: datetime | None
    """The secret that the key had before works until then."""
    last_used_at: datetime | None
    """Written once a minute at most; it makes no new version."""
    active: bool
    removed_at: datetime | None


class ApiKeyWithSecret(ApiKey):
    EXAMPLE: ClassVar = {
        "id": "00000001-0197-8f1b-8c55-02a1bf0e1d37",
        "version": 1,
        "createdAt": "2027-02-01T10:15:00Z",
        "updatedAt": "2027-02-01T10:15:00Z",
        "clinicId": 1,
        "name": "Referral portal",
        "scopes": ["list-appointments", "see-appointments"],
        "expiresAt": None,
        "requestsPerMinute": 600,
        "oldSecretUntil": None,
        "lastUsedAt": None,
        "active": True,
        "removedAt": None,
        "key": "apt_0000000101978f1b8c5502a1bf0e1d37_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    }

    key: str | None
    """What the system sends as its bearer token. It is shown this once: we keep a digest only, so an answer to a
    repeated request has none here."""


class Presented(NamedTuple):
    """A key as it comes with a request: which it says it is, and the digest of its secret."""

    id: UUID
    secret_hash: bytes


def presented(token: str) -> Presented | None:
    """None for what is no key at all."""
    found = TOKEN.fullmatch(token)
    return Presented(UUID(hex=found[1]), digest(found[2])) if found else None


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What is kept of a secret. It has 256 random bits, so nothing slower than SHA-256 is needed."""
    return hashlib.sha256(secret.encode()).digest()


def serialized(key_id: UUID, secret: str) -> str:
    """A key as its owner keeps it."""
    return f"{PREFIX}{key_id.hex}_{secret}"


class Kept(Protocol):
    """What is kept of a key's secrets."""

    secret_hash: bytes
    old_secret_hash: bytes | None
    old_secret_until: datetime | None
    expires_at: datetime | None


NOBODYS: Final = bytes(32)


def holds(kept: Kept | None, secret_hash: bytes, *, now: datetime) -> bool:
    """Whether a key with this secret works now. Takes the same time for a key that is not there, and for each wrong
    secret."""
    current = hmac.compare_digest(kept.secret_hash if kept else NOBODYS, secret_hash)
    old = hmac.compare_digest(kept.old_secret_hash or NOBODYS if kept else NOBODYS, secret_hash)
    if kept is None or (kept.expires_at and kept.expires_at <= now):
        return False
    return current or (old and kept.old_secret_until is not None and now < kept.old_secret_until)
