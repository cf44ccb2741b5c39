"""Check a request's head before anything else reads it.

Sizes are limited, because the server parses a head before it knows the caller. Each address can be written in only one
way, so a reverse proxy's rule for `/metrics` cannot be bypassed with `//metrics` or `/%6detrics`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import quote

from litestar.types import HTTPScope, Scope

from ..kit.errors import Fault, Invalid, NotFound

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 100
MAX_PATH_BYTES: Final = 2048
MAX_QUERY_BYTES: Final = 8192
MAX_HEADER_BYTES: Final = 17 * 1024
"""For all of a header's values together. The longest are tokens from identity providers."""
MAX_COOKIE_BYTES: Final = 8192
SINGLE_HEADERS: Final = frozenset({b"host", b"authorization", b"content-type"})
"""Headers that programs would interpret in different ways if they occurred twice."""
HAS_ALIAS: Final = re.compile(rb"//|%(?:2[D-Fd-f]|3[0-9]|4[1-9A-Fa-f]|5[0-9ACFacf]|6[1-9A-Fa-f]|7[0-9AEae])").search
"""Finds what a properly written path never contains: an empty segment, or an escaped letter, digit, hyphen, dot,
underscore, tilde, slash or backslash.
"""


PDF: Final = ".pdf"
"""The ending of every PDF's address."""


def check_head(scope: HTTPScope) -> None:
    """Raise `NotFound` for a path that cannot belong to any resource, and `Invalid` for a query or headers that no
    well-behaved client would send.
    """
    path = _raw_path(scope)
    if len(path) > MAX_PATH_BYTES or HAS_ALIAS(path):
        raise NotFound
    if len(scope["query_string"]) > MAX_QUERY_BYTES:
        raise Invalid(Fault("?", "is too long; maximum length: {n}", n=MAX_QUERY_BYTES))
    _check_headers(scope["headers"], scope["http_version"])


def _check_headers(headers: Iterable[tuple[bytes, bytes]], http_version: str) -> None:
    sizes: dict[bytes, int] = {}
    for name, value in headers:
        if name in sizes and name in SINGLE_HEADERS:
            raise Invalid(Fault(name.decode().title(), "must not be given more than once"))
        sizes[name] = sizes.get(name, 0) + len(value)
    if b"host" not in sizes and http_version == "1.1":
        raise Invalid(Fault("Host", "is missing"))
    for name, size in sizes.items():
        if size > (most := MAX_COOKIE_BYTES if name == b"cookie" else MAX_HEADER_BYTES):
            raise Invalid(Fault(name.decode("latin-1").title()[:100], "is too long; maximum length: {n}", n=most))


def address_without_slash(scope: HTTPScope) -> str | None:
    """Return the address to redirect to if the path ends with a superfluous slash."""
    path = _raw_path(scope)
    if path == b"/" or not path.endswith(b"/"):
        return None
    query = scope["query_string"]
    return (path[:-1] + (b"?" + query if query else b"")).decode("latin-1")


def split_pdf(scope: HTTPScope) -> None:
    """Give the `.pdf` at the end of an API path its own segment, because a path parameter is always a whole segment.
    Raise `NotFound` if it already has one, so that each PDF has only one address.
    """
    path = scope["path"]
    if not path.startswith("/api/") or not path.endswith(PDF):
        return
    if path.endswith("/.pdf"):
        raise NotFound
    scope["path"] = f"{path.removesuffix(PDF)}/{PDF}"


def join_pdf(scope: Scope) -> None:
    """Undo `split_pdf` after routing."""
    if scope["path"].endswith("/.pdf"):
        scope["path"] = scope["path"].removesuffix("/.pdf") + PDF


def _raw_path(scope: HTTPScope) -> bytes:
    """Return the path as it was sent or, if the server does not provide that, as a client would send it."""
    return cast("Mapping[str, Any]", scope).get("raw_path") or quote(scope["path"]).encode()


def parse_cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the cookies by name. Values are used as they are, because the standard library's parser takes quadratic
    time to unquote them on some Python releases, and ours are never quoted. Cookies in an overlong header are ignored.
    """
    cookies = b";".join(value for name, value in headers if name == b"cookie")
    if len(cookies) > MAX_COOKIE_BYTES:
        return {}
    pairs = (cookie.partition("=") for cookie in cookies.decode("latin-1").split(";"))
    return {name.strip(): value.strip() for name, separator, value in pairs if separator}
