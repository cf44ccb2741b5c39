"""Partner systems' API keys: format, scopes and validity."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, NamedTuple
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from ...kit import fields
from ...kit.allow_lists import Network, Networks
from ...kit.i18n import translatable
from ...kit.permissions import SCOPES
from ...kit.structs import PageQuery, RequestBody, Resource

PREFIX: Final = "apt_"
MAX_KEYS: Final = 100
"""The limit per clinic."""
SECRET_BYTES: Final = 32
USE_UPDATE_INTERVAL: Final = timedelta(minutes=1)
"""How often a key's use is recorded."""
TOKEN: Final = re.compile(PREFIX + r"([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


def _check_scope(value: str) -> str | None:
    return None if value in SCOPES else translatable("cannot be granted to an API key")


KeyName = Annotated[fields.Name, Meta(examples=["Referral portal"])]
Scope = Annotated[
    str, Meta(extra={"check": _check_scope}, examples=["see-appointments"], extra_json_schema={"enum": sorted(SCOPES)})
]
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=100)]
RequestsPerMinute = Annotated[int, Meta(ge=1, le=1_000_000, examples=[600])]
OverlapMinutes = Annotated[int, Meta(ge=0, le=10_080)]
DEFAULT_OVERLAP_MINUTES: Final = 24 * 60


class ApiKeyContent(RequestBody):
    """A key for a partner system."""

    name: KeyName
    scopes: Scopes
    expires_at: fields.Instant | None = None
    """When the key stops working. If null, the key works until it is revoked."""
    requests_per_minute: RequestsPerMinute | None = None
    """The key's own rate limit, which replaces the default limits."""
    networks: Networks = []
    """The networks (CIDR) or addresses from which the key works. If empty, it works from anywhere."""


class ApiKeyPatch(RequestBody):
    name: KeyName | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    expires_at: fields.Instant | None | UnsetType = UNSET
    requests_per_minute: RequestsPerMinute | None | UnsetType = UNSET
    networks: Networks | UnsetType = UNSET


class ApiKeyRotation(RequestBody):
    overlap_minutes: OverlapMinutes = DEFAULT_OVERLAP_MINUTES
    """How long the previous secret still works; 0 stops it immediately."""


class ApiKeyFilter(PageQuery):
    active: bool = True
    """Set to false to list revoked keys."""


class ApiKey(Resource):
    id: UUID
    clinic_id: int
    name: str
    scopes: list[Scope]
    expires_at: datetime | None
    requests_per_minute: int | None
    networks: list[Network]
    """The networks from which the key works. If empty, it works from anywhere."""
    old_secret_until: datetime | None
    """When the previous secret stops working."""
    last_used_at: datetime | None
    """Updated at most once a minute, without changing the version."""
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
        "networks": ["203.0.113.0/24"],
        "oldSecretUntil": None,
        "lastUsedAt": None,
        "active": True,
        "removedAt": None,
        "key": "apt_0000000101978f1b8c5502a1bf0e1d37_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    }

    key: str | None
    """The bearer token. Appoint stores only a digest and returns the key only once; in the response to a repeated
    request, it is null."""


class PresentedKey(NamedTuple):
    """A key from a request: the id that it claims to have, and its secret's digest."""

    id: UUID
    secret_hash: bytes


def parse_key(token: str) -> PresentedKey | None:
    """Parse a bearer token. Return None if it is not an API key."""
    match = TOKEN.fullmatch(token)
    return PresentedKey(UUID(hex=match[1]), hash_secret(match[2])) if match else None


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> bytes:
    """Return the digest to store. A secret has 256 random bits, so it needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def serialize_key(key_id: UUID, secret: str) -> str:
    """Return the key in the form its owner receives."""
    return f"{PREFIX}{key_id.hex}_{secret}"


class StoredKey(Struct, frozen=True):
    """The data needed to identify a caller by a key: the caller's permissions and the digests of the key's secrets."""

    clinic_id: int
    scopes: list[str]
    requests_per_minute: int | None
    expires_at: datetime | None
    last_used_at: datetime | None
    secret_hash: bytes
    old_secret_hash: bytes | None
    old_secret_until: datetime | None
    networks: list[str]


DECOY: Final = bytes(32)


def is_valid(stored: StoredKey | None, secret_hash: bytes, *, now: datetime) -> bool:
    """Return whether a key with this secret works now. Takes the same time for unknown keys and for every wrong
    secret."""
    current = hmac.compare_digest(stored.secret_hash if stored else DECOY, secret_hash)
    old = hmac.compare_digest(stored.old_secret_hash or DECOY if stored else DECOY, secret_hash)
    if stored is None or (stored.expires_at and stored.expires_at <= now):
        return False
    return current or (old and stored.old_secret_until is not None and now < stored.old_secret_until)
