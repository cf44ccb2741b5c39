"""Links that only we can have made: what they carry can be read by anyone and changed by nobody."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

from itsdangerous import BadData, Signer, URLSafeSerializer


def sign(secret: str, purpose: str, value: Any) -> str:
    """The value as a token for an address. One made for one purpose is none for another."""
    return str(URLSafeSerializer(secret, salt=purpose).dumps(value))


def verify(secret: str, purpose: str, token: str) -> Any:
    """The value of a token; None for one that we have not made for that purpose."""
    try:
        return URLSafeSerializer(secret, salt=purpose).loads(token)
    except BadData:
        return None


def signed_id(secret: str, purpose: str, id: UUID) -> str:
    """An id as a token that is as short as it can be: it stands in text messages."""
    return Signer(secret, salt=purpose).sign(urlsafe_b64encode(id.bytes).rstrip(b"=")).decode()


def opened_id(secret: str, purpose: str, token: str) -> UUID | None:
    """The id of a token; None for one that we have not made for that purpose."""
    try:
        return UUID(bytes=urlsafe_b64decode(Signer(secret, salt=purpose).unsign(token) + b"=="))
    except BadData:
        return None


def code(secret: str, purpose: str, id: str) -> str:
    """Six digits that nobody else can tell from the id, and that are kept nowhere (RFC 4226 does the same with a
    counter)."""
    digest = hmac.digest(secret.encode(), f"{purpose}\n{id}".encode(), "sha256")
    return f"{int.from_bytes(digest) % 1_000_000:06}"
