"""Cursors: positions in a list. A cursor does not grant any access; it is signed so that callers cannot make up
positions.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import litestar
import msgspec
from litestar import Response

from ..kit.errors import Fault, Invalid
from ..kit.structs import Page, PageQuery
from .dependencies import services_of
from .responses import json_response
from .url_encoding import parse_pairs

K = TypeVar("K")
T = TypeVar("T")
SIGNATURE_BYTES: Final = 12


def cursor_after(request: litestar.Request[Any, Any, Any], query: PageQuery, key: type[K]) -> K | None:
    """Return the sort key of the last item that the caller has, or None for the first page. Raise `Invalid` for a
    cursor that is damaged or belongs to a different list.
    """
    if query.cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(query.cursor.encode("ascii"))
        signature, place = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if hmac.compare_digest(signature, _signature(request, place)):
            return msgspec.json.decode(place, type=key)
    except (ValueError, UnicodeEncodeError):  # msgspec's errors are ValueErrors
        pass
    raise Invalid(Fault("?cursor", "is not a valid cursor for this list"))


def page_response(
    request: litestar.Request[Any, Any, Any],
    query: PageQuery,
    matches: Sequence[T],
    key: Callable[[T], Any],
    *,
    cache_control: str = "private, no-cache",
    last_key: Any = None,
    subject: Callable[[T], UUID | str] | None = None,
    parent: UUID | None = None,
) -> Response[Page[T]]:
    """Return a page of `matches`, which contains one item more than the limit if there is a next page.

    A list that leaves out some of the items it has read passes `last_key`: if there is a next page, the sort key of the
    last item read.

    If the list is not public, pass each item's `subject` and, if the address names one, the `parent` that the items
    belong to. All of them are recorded as a single disclosure.
    """
    items = list(matches[: query.limit])
    last_key = key(items[-1]) if len(matches) > query.limit else last_key
    cursor = None if last_key is None else _cursor(request, last_key)
    headers: dict[str, str] = {}
    if cursor:
        next_query = urlencode([*_filters(request), ("limit", query.limit), ("cursor", cursor)])
        headers["Link"] = f'<{request.scope["path"]}?{next_query}>; rel="next"'
    subjects = None if subject is None else [*([parent] if parent else []), *map(subject, items)]
    return json_response(request, Page(items, cursor), cache_control=cache_control, headers=headers, subjects=subjects)


def _filters(request: litestar.Request[Any, Any, Any]) -> list[tuple[str, str]]:
    pairs = parse_pairs(request.scope["query_string"])
    return sorted((name, value) for name, value in pairs if name not in ("limit", "cursor"))


def _cursor(request: litestar.Request[Any, Any, Any], place: Any) -> str:
    encoded = msgspec.json.encode(place)
    return urlsafe_b64encode(_signature(request, encoded) + encoded).decode()


def _signature(request: litestar.Request[Any, Any, Any], place: bytes) -> bytes:
    """Return the signature that binds a position to its list (the path with its filters). All server processes share
    the key.
    """
    secret = hashlib.sha256(services_of(request).admin_token.encode()).digest()
    return hashlib.blake2b(
        msgspec.json.encode([request.scope["path"], _filters(request), place]), digest_size=SIGNATURE_BYTES, key=secret
    ).digest()
