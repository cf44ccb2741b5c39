"""Cursors: where a list goes on. A cursor holds only a place in one list; it grants nothing."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import litestar
import msgspec
from litestar import Response

from ..errors import Fault, Invalid
from ..resources import Page, PageQuery
from .responses import shown

K = TypeVar("K")
T = TypeVar("T")


def after(request: litestar.Request[Any, Any, Any], query: PageQuery, key: type[K]) -> K | None:
    """The sort key of the last item that the caller has, or None for the first page. Raises `Invalid` for a cursor that is damaged or another list's."""
    if query.cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(query.cursor.encode("ascii"))
        if raw[:8] == _digest(request):
            return msgspec.json.decode(raw[8:], type=key)
    except (ValueError, UnicodeEncodeError):  # msgspec's errors are ValueErrors
        pass
    raise Invalid(Fault("?cursor", "is not a cursor of this list"))


def page(
    request: litestar.Request[Any, Any, Any], query: PageQuery, found: Sequence[T], key: Callable[[T], Any], *, cache_control: str = "private, no-cache"
) -> Response[Page[T]]:
    """The page of `found`, which holds one item more than the limit when the list goes on."""
    items = list(found[: query.limit])
    cursor = urlsafe_b64encode(_digest(request) + msgspec.json.encode(key(items[-1]))).decode() if len(found) > query.limit else None
    headers = {"Link": f'<{request.scope["path"]}?{urlencode([*_filters(request), ("limit", query.limit), ("cursor", cursor)])}>; rel="next"'} if cursor else {}
    return shown(request, Page(items, cursor), cache_control=cache_control, headers=headers)


def _filters(request: litestar.Request[Any, Any, Any]) -> list[tuple[str, str]]:
    pairs = parse_qsl(request.scope["query_string"].decode("ascii"), keep_blank_values=True)
    return sorted((name, value) for name, value in pairs if name not in ("limit", "cursor"))


def _digest(request: litestar.Request[Any, Any, Any]) -> bytes:
    """What ties a cursor to its list: the path and its filters."""
    return hashlib.blake2b(msgspec.json.encode([request.scope["path"], _filters(request)]), digest_size=8).digest()
