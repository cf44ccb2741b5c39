"""Being signed in: what a session is, and what proves that one is."""

import hashlib
import secrets
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ...kit import fields
from ...kit.structs import RequestBody
from ..accounts.model import Account, Code, Password

PREFIX: Final = "aps_"
"""What a session's token begins with."""
MOST_SESSIONS: Final = 50
"""Of one user or patient; who opens another one ends the oldest."""


class Credentials(RequestBody):
    """Who somebody says they are, and what shows it."""

    email: fields.Email
    password: Password
    totp: Code | UnsetType = UNSET
    """The six digits that an authenticator shows; only for accounts that ask for them."""
    cookie: bool = False
    """For pages: the token comes as a cookie that no script can read, instead of in the answer."""
    EXAMPLE: ClassVar[dict[str, Any]] = {"email": "mia@example.org", "password": "a calm lake in the morning"}


class Session(msgspec.Struct, rename="camel"):
    """Somebody signed in somewhere."""

    id: UUID
    created_at: datetime
    seen_at: datetime
    """When it was last used, to the minute."""
    expires_at: datetime
    """When it ends at the latest; unused, it ends sooner."""
    current: bool = False
    """Whether it is the one that asks."""


class SignedIn(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A new session. What proves it is shown this once."""

    id: UUID
    expires_at: datetime
    account: Account
    token: Annotated[str, Meta(examples=["aps_2b8vWc1cQpJmY4l0m0mZ5mJx4n0p1q2r3s4t5u6v7w8"])] | UnsetType = UNSET
    """Send it as bearer. Not with `cookie`."""
    csrf_token: str | UnsetType = UNSET
    """With `cookie`: send it as `X-CSRF-Token` with everything but GET."""


def made_token() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    """What the database knows of a token. It is random, so it needs no slow hash."""
    return hashlib.sha256(token.encode()).digest()
