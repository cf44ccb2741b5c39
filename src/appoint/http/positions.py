"""Let callers read what they have written, although other reads come from replicas.

A browser that has changed something gets a cookie for ten seconds, and reads from the primary for as long as it has it.
That is longer than data can be old, so no process has to ask another. The cookie needs no signature: it can only make
reads current.

Programs with a token don't keep cookies, so they read from the primary unless they say what they need. Each response to
a change contains `Appoint-Position`, the position in the database's write-ahead log right after the change. A request
with `Appoint-At-Least` may come from any replica that has reached the position.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from litestar.types import HTTPScope

from ..database.replicas import Replicas
from ..kit import errors
from .routes import route_in

AT_LEAST: Final = "appoint-at-least"
POSITION: Final = re.compile("([0-9A-F]{1,8})/([0-9A-F]{1,8})")
"""A position as PostgreSQL writes it: the higher and the lower 32 bits."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CHANGE_COOKIE: Final = "__Host-appoint-recent-change"
CHANGE_SECONDS: Final = 10
SET_CHANGE_COOKIE: Final = (
    b"set-cookie",
    f"{CHANGE_COOKIE}=1; Path=/; Max-Age={CHANGE_SECONDS}; Secure; HttpOnly; SameSite=lax".encode(),
)


def reads_current(headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
    """Return whether a request's reads must be current."""
    return CHANGE_COOKIE in cookies or ("authorization" in headers and AT_LEAST not in headers)


def requested_position(headers: Mapping[str, str]) -> int | None:
    """Return the position that a request's data must include, in bytes. Raise `Invalid` if it is malformed."""
    text = headers.get(AT_LEAST)
    if text is None:
        return None
    if match := POSITION.fullmatch(text):
        return (int(match[1], 16) << 32) + int(match[2], 16)
    raise errors.Invalid(errors.Fault("Appoint-At-Least", "must be an Appoint-Position, such as 16/B374D848"))


async def headers_after_change(scope: HTTPScope, status: int) -> list[tuple[bytes, bytes]]:
    """Return the headers that let the caller read what the request may have changed. There are none without replicas.

    The request may have changed something even if it failed.
    """
    fields: Any = scope
    services = fields["litestar_app"].state.get("services")
    replicas: Replicas | None = services and services.replicas
    declared = route_in(scope)
    if scope["method"] in SAFE_METHODS or declared is None or not replicas or not replicas.replicas:
        return []
    headers: list[tuple[bytes, bytes]] = (
        [] if any(name == b"authorization" for name, _ in scope["headers"]) else [SET_CHANGE_COOKIE]
    )
    if not declared.page and status < 400 and (position := await replicas.position()):
        headers.append((b"appoint-position", position.encode()))
    return headers
