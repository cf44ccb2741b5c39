"""JSON responses with the headers that all resources have (`ETag` and `Location`), and 304 responses."""

from collections.abc import Iterable
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response

from ..kit.structs import Resource
from .etags import digest_of_bytes, etag, matches

T = TypeVar("T")


class Disclosure(Response[T]):
    """A response that discloses its subjects to the caller. The audit log records this before the response is sent."""

    def __init__(
        self, request: Request[Any, Any, Any], content: T, *, subjects: Iterable[UUID | str], **options: Any
    ) -> None:
        super().__init__(content, **options)
        self.request = request
        self.subjects = subjects


def json_response(
    request: Request[Any, Any, Any],
    content: T,
    *,
    cache_control: str = "private, no-cache",
    status_code: int = 200,
    headers: dict[str, str] | None = None,
    subjects: Iterable[UUID | str] | None = None,
) -> Response[T]:
    """Return the content with its ETag (its version, or a digest if it has none), or 304 if the caller already has it
    (`If-None-Match`).

    A handler that reads non-public data passes its `subjects`: the ids of the records that the content is about.
    """
    body = msgspec.json.encode(content)
    tag = etag(content.version) if isinstance(content, Resource) else digest_of_bytes(body)
    all_headers = {"ETag": tag, "Cache-Control": cache_control, **(headers or {})}
    if request.method in ("GET", "HEAD") and matches(request.headers.get("if-none-match"), tag, weakly=True):
        return Response(cast("T", None), status_code=304, headers=all_headers)
    options: dict[str, Any] = {"media_type": MediaType.JSON, "status_code": status_code, "headers": all_headers}
    if subjects is None:
        return Response(cast("T", body), **options)
    return Disclosure(request, cast("T", body), subjects=subjects, **options)


def created_response(
    request: Request[Any, Any, Any], content: T, location: str, *, replayed: bool = False
) -> Response[T]:
    """Return 201 with `Location`. A replayed request gets the same response, plus a header that says so."""
    return json_response(request, content, status_code=201, headers={"Location": location, **replay_headers(replayed)})


def replay_headers(replayed: bool) -> dict[str, str]:  # noqa: FBT001  the function's name says what it means
    return {"Idempotent-Replayed": "true"} if replayed else {}
