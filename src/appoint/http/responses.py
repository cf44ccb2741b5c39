"""JSON responses with the headers that all resources have (`ETag` and `Location`), and 304 responses."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeVar, cast
from uuid import UUID

import msgspec
from litestar import Litestar, MediaType, Request, Response
from litestar.types import Receive, Scope, Send

from ..kit.structs import Resource
from .etags import digest_of_bytes, etag, matches

T = TypeVar("T")


class _Message:
    """A response that is ready to be sent."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._status = status
        self._headers = headers
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


class _EncodedResponse(Response[T]):
    """A response whose content is encoded. The framework's own way of sending it takes longer than encoding it."""

    def to_asgi_response(self, app: Litestar | None, request: Request[Any, Any, Any], **options: Any) -> Any:
        is_plain = not (self.cookies or self.background or any(options.get(name) for name in FROM_ROUTES))
        has_charset = (self.media_type or "text/").startswith("text/")
        if not is_plain or has_charset or not (isinstance(self.content, bytes) and self.status_code):
            return cast("Any", super()).to_asgi_response(app, request, **options)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        headers.append((b"content-type", (self.media_type or "").encode("latin-1")))
        headers.append((b"content-length", str(len(self.content)).encode()))
        return _Message(self.status_code, headers, self.content)


FROM_ROUTES: Final = ("background", "cookies", "encoded_headers", "headers", "is_head_response")
"""What the framework may add to a response. Our routes add none of these."""


class Disclosure(_EncodedResponse[T]):
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
    return encoded_response(
        request,
        Encoded(body, tag),
        cache_control=cache_control,
        status_code=status_code,
        headers=headers,
        subjects=subjects,
    )


class Encoded(NamedTuple):
    """An encoded response body and its ETag."""

    body: bytes
    tag: str

    @classmethod
    def of(cls, content: object) -> "Encoded":
        """Return content that has no version as JSON."""
        body = msgspec.json.encode(content)
        return cls(body, digest_of_bytes(body))


def encoded_response(
    request: Request[Any, Any, Any],
    encoded: Encoded,
    *,
    cache_control: str = "private, no-cache",
    status_code: int = 200,
    headers: dict[str, str] | None = None,
    subjects: Iterable[UUID | str] | None = None,
    media_type: str = MediaType.JSON,
) -> Response[Any]:
    """Return a response as `json_response` does, from content that is already encoded."""
    body, tag = encoded
    all_headers = {"ETag": tag, "Cache-Control": cache_control, **(headers or {})}
    if request.method in ("GET", "HEAD") and matches(request.headers.get("if-none-match"), tag, weakly=True):
        return Response(None, status_code=304, headers=all_headers)
    options: dict[str, Any] = {"media_type": media_type, "status_code": status_code, "headers": all_headers}
    if subjects is None:
        return _EncodedResponse(body, **options)
    return Disclosure(request, body, subjects=subjects, **options)


def pdf_response(
    request: Request[Any, Any, Any], content: bytes, *, hash: str, name: str, subjects: Iterable[UUID | str]
) -> Response[Any]:
    """Return a PDF for download under this name, or 304 if the caller already has it."""
    return encoded_response(
        request,
        Encoded(content, f'"{hash}"'),
        headers={"Content-Disposition": f'attachment; filename="{name}.pdf"'},
        subjects=subjects,
        media_type="application/pdf",
    )


def created_response(
    request: Request[Any, Any, Any], content: T, location: str, *, replayed: bool = False
) -> Response[T]:
    """Return 201 with `Location`. A replayed request gets the same response, plus a header that says so."""
    return json_response(request, content, status_code=201, headers={"Location": location, **replay_headers(replayed)})


def replay_headers(replayed: bool) -> dict[str, str]:  # noqa: FBT001  the function's name says what it means
    return {"Idempotent-Replayed": "true"} if replayed else {}
