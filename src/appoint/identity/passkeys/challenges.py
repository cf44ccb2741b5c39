"""Challenges for authenticators to sign. They are signed rather than stored, so that visiting the sign-in page doesn't
write to the database. Only used ones are stored, so that each works only once."""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Final, Literal, NamedTuple

from ...kit.signed_tokens import sign, verify
from .model import CHALLENGE_TTL

Purpose = Literal["register", "sign-in", "prove"]
CHALLENGE_BYTES: Final = 32


class Challenge(NamedTuple):
    value: bytes
    expires_at: int

    @property
    def digest(self) -> bytes:
        """The digest that the database stores once the challenge has been used."""
        return hashlib.sha256(self.value).digest()


def issue(secret: str, purpose: Purpose, holder: str, now: datetime) -> tuple[bytes, str]:
    """Return a new challenge, and the token that proves where it came from. The token is valid only for this purpose
    and only for its holder, which is a session or a browser."""
    value = secrets.token_bytes(CHALLENGE_BYTES)
    expires_at = int((now + CHALLENGE_TTL).timestamp())
    return value, sign(secret, _salt(purpose, holder), [encode(value), expires_at])


def read(secret: str, purpose: Purpose, holder: str, token: str, now: datetime) -> Challenge | None:
    """Return the challenge from a token, or None if it has expired or was issued for something else."""
    content = verify(secret, _salt(purpose, holder), token) if holder else None
    if content is None or content[1] <= now.timestamp():
        return None
    return Challenge(decode(content[0]), content[1])


def _salt(purpose: Purpose, holder: str) -> str:
    return f"passkey {purpose} {hashlib.sha256(holder.encode()).hexdigest()}"


def encode(value: bytes) -> str:
    """Return bytes in Base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes that Base64url text without padding stands for. Raise `ValueError` for anything else."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
