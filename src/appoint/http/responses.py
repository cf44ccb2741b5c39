"""Answers with what every resource has on the wire: its ETag, 304, `Location`."""

from typing import Any, TypeVar, cast

import msgspec
from litestar import MediaType, Request, Response

from ..kit.structs import Resource
from .etags import digest, etag, matches

T = TypeVar("T")


class Look(Response[T]):
    """An answer that remembers what it shows to whom, for the record."""

    def __init__(self, request: Request[Any, Any, Any], shown: Any, content: T, **about: Any) -> None:
        super().__init__(content, **about)
        self.request = request
        self.shown = shown


def json_response(
    request: Request[Any, Any, Any],
    content: T,
    *,
    cache_control: str = "private, no-cache",
    status_code: int = 200,
    headers: dict[str, str] | None = None,
) -> Response[T]:
    """The content with its ETag (the version; for what has none, a digest), or 304 when the caller has it already
    (`If-None-Match`)."""
    body = msgspec.json.encode(content)
    tag = etag(content.version) if isinstance(content, Resource) else digest(msgspec.Raw(body))
    all_headers = {"ETag": tag, "Cache-Control": cache_control, **(headers or {})}
    if request.method in ("GET", "HEAD") and matches(request.headers.get("if-none-match"), tag, weakly=True):
        return Response(cast("T", None), status_code=304, headers=all_headers)
    return Look(
        request, content, cast("T", body), media_type=MediaType.JSON, status_code=status_code, headers=all_headers
    )


def created_response(
    request: Request[Any, Any, Any], content: T, location: str, *, replayed: bool = False
) -> Response[T]:
    """201 with `Location`; for a repeated request the same, and the header that says so."""
    return json_response(request, content, status_code=201, headers={"Location": location, **replay_headers(replayed)})


def replay_headers(replayed: bool) -> dict[str, str]:  # noqa: FBT001  it is the name that is asked for
    return {"Idempotent-Replayed": "true"} if replayed else {}
