"""Signatures of requests between cells.

A cell that passes on a request vouches for the caller's address, because rate limits and networks depend on it. The
signature covers everything that the other cell acts on, so no one else can send such a request or change one.
"""

import hashlib
from datetime import datetime
from typing import Any, Final, NamedTuple

from ...kit.signed_tokens import sign, verify

HEADER: Final = "x-appoint-cell"
PURPOSE: Final = "request between cells"
MAX_SECONDS: Final = 60
"""How old a signature may be, or how far ahead the other cell's clock."""


class Signed(NamedTuple):
    """What a signature covers."""

    recipient: str
    """The name of the cell that the request is for."""
    method: str
    target: str
    """The path and query, as sent."""
    body: bytes


class Origin(NamedTuple):
    """Where a request from another cell comes from."""

    cell: str
    """The name of the cell that sent it."""
    address: str
    """The caller's address, or nothing if the cell itself is the caller."""


def sign_request(secret: str, signed: Signed, origin: Origin, *, now: datetime) -> str:
    """Return the value of the header `X-Appoint-Cell`."""
    return sign(secret, PURPOSE, [*origin, int(now.timestamp()), _digest(signed)])


def read_origin(secret: str, value: str, *, now: datetime) -> tuple[Origin, str] | None:
    """Return the origin and the digest that `covers` compares, or None if no cell has signed this recently. Needs no
    body, so that a stranger's is never read."""
    content: Any = verify(secret, PURPOSE, value)
    if content is None:
        return None
    cell, address, signed_at, digest = content
    return (Origin(cell, address), digest) if abs(now.timestamp() - signed_at) <= MAX_SECONDS else None


def covers(digest: str, signed: Signed) -> bool:
    """Return whether the digest from `read_origin` is that of this request."""
    return digest == _digest(signed)


def _digest(signed: Signed) -> str:
    body = hashlib.sha256(signed.body).hexdigest()
    return hashlib.sha256("\n".join([signed.recipient, signed.method, signed.target, body]).encode()).hexdigest()
