"""All routes of the application, and raw requests to them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote
from uuid import UUID

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from appoint.http.routes import route_of
from support.bad_requests import UNKNOWN_ID

EXAMPLES: dict[type, str] = {int: "1", UUID: UNKNOWN_ID, str: "lakeside", Path: "customers"}
FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"


class Route(NamedTuple):
    method: str
    path: str
    """The path, with examples for its parameters."""
    handler: HTTPRouteHandler
    parameters: frozenset[str]
    """The path's parameter names."""

    @property
    def name(self) -> str:
        return f"{self.handler.operation_id} ({self.method} {self.path})"

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH")

    @property
    def media_type(self) -> bytes:
        return FORM if route_of(self.handler).page or self.path.startswith("/callbacks/") else JSON

    @property
    def max_body_bytes(self) -> int:
        return self.handler.resolve_request_max_body_size() or 0


def routes(app: Litestar) -> Iterator[Route]:
    """Yield every route and method, except for OPTIONS."""
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS"}:
                yield Route(method, _example_of(route), handler, frozenset(route.path_parameters))


def _example_of(route: HTTPRoute) -> str:
    parts = [part if isinstance(part, str) else EXAMPLES[part.type] for part in route.path_components]
    return "/" + "/".join(parts).replace("/.pdf", ".pdf")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    reads: int
    """How many times the application asked for part of the body."""


async def call(
    app: Litestar,
    method: str,
    path: str,
    *,
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]] | None = None,
    body: bytes = b"",
    address: str = "127.0.0.1",
    http_version: str = "1.1",
) -> Answer:
    """Send a request to the running application exactly as given, without a client correcting or completing it."""
    sent: list[Any] = []
    reads = 0

    async def receive() -> Any:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": body, "more_body": False} if reads == 1 else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": http_version,
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"testserver.local")] if headers is None else headers,
        "client": (address, 1234),
        "server": ("testserver.local", 80),
        "state": {},
    }
    await app(scope, receive, send)
    start, *rest = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode("latin-1") for name, value in start["headers"]},
        b"".join(message.get("body", b"") for message in rest),
        reads,
    )
