"""Sessions, credentials and tokens."""

import hashlib
import secrets
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ...kit import fields
from ...kit.actors import Membership
from ...kit.structs import RequestBody
from ..accounts.model import Account, Code, Password
from ..passkeys.model import PasskeyProof
from ..second_factors.model import RecoveryCode

PREFIX: Final = "aps_"
"""The prefix of every session token."""
MAX_SESSIONS: Final = 50
"""The limit per user or patient. Opening another session ends the oldest."""


class Credentials(RequestBody):
    """A user's credentials."""

    email: fields.Email
    password: Password
    totp: Code | UnsetType = UNSET
    """The authenticator's six digits, for accounts that have one."""
    passkey: PasskeyProof | UnsetType = UNSET
    """For accounts that have a passkey: the challenge from `beginPasskeySignIn`, signed."""
    recovery_code: RecoveryCode | UnsetType = UNSET
    """One of the account's recovery codes, instead of another second factor. Each works once."""
    cookie: bool = False
    """For pages: return the token as a cookie that scripts cannot read, instead of in the response body."""
    EXAMPLE: ClassVar[dict[str, Any]] = {"email": "mia@example.org", "password": "a calm lake in the morning"}


class PasskeyCredentials(PasskeyProof):
    """A challenge that the user has signed with a passkey, which replaces both the password and the code."""

    cookie: bool = False
    """For pages: return the token as a cookie that scripts cannot read, instead of in the response body."""


class Session(msgspec.Struct, rename="camel"):
    """A session of a user or patient."""

    id: UUID
    created_at: datetime
    seen_at: datetime
    """When the session was last used, to the minute."""
    expires_at: datetime
    """The latest time at which the session ends. An unused session ends sooner."""
    device: str | None = None
    """The browser and system that signed in, as they describe themselves."""
    address: str | None = None
    """The network address that the session was last used from."""
    current: bool = False
    """Whether this request uses this session."""


class SignedIn(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A new session. Only this response contains its token."""

    id: UUID
    expires_at: datetime
    account: Account
    token: Annotated[str, Meta(examples=["aps_2b8vWc1cQpJmY4l0m0mZ5mJx4n0p1q2r3s4t5u6v7w8"])] | UnsetType = UNSET
    """The bearer token. Absent if `cookie` is set."""
    csrf_token: str | UnsetType = UNSET
    """Present if `cookie` is set. Send it as `X-CSRF-Token` with every request except GET."""


class Proof(RequestBody):
    """A credential that proves that the user is still the one who signed in: their password, a code from their
    authenticator, or a passkey."""

    password: Password | UnsetType = UNSET
    totp: Code | UnsetType = UNSET
    passkey: PasskeyProof | UnsetType = UNSET
    """The challenge from `beginPasskeyProof`, signed."""
    EXAMPLE: ClassVar[dict[str, Any]] = {"password": "a calm lake in the morning"}


class SessionOwner(NamedTuple):
    """A session's owner (a user or a patient) with their current roles."""

    session_id: UUID
    user_id: UUID | None
    customer_id: UUID | None
    administrator: bool
    seen_at: datetime
    proven_at: datetime
    """When the owner last entered a credential."""
    address: str | None
    """The network address of the last recorded use."""
    second_factor: bool
    """Whether the owner also proved who they are with a second factor."""
    memberships: tuple[Membership, ...]


BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""What browsers call themselves, most specific first: Edge also claims to be Chrome, and all but Firefox also claim to
be Safari.
"""
SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str | None) -> str | None:
    """Return the browser and the system that a user agent names, such as “Firefox, Linux”; None if it names neither.
    The result consists only of names from the tables above, never of text that the caller chose."""
    parts = (next((name for mark, name in table if mark in (user_agent or "")), None) for table in (BROWSERS, SYSTEMS))
    return ", ".join(part for part in parts if part) or None


def new_token() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return the digest to store. A token is random, so it needs no slow hash."""
    return hashlib.sha256(token.encode()).digest()
