"""Wraps every request, even those without a route: request id and trace, one log line, metrics, security headers, a
deadline, and a last resort for errors.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from litestar import Response
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from ..kit import tracing
from ..kit.metrics import REQUEST_SECONDS, REQUESTS
from .problems.handlers import document
from .request import Request
from .routes import route_in

if TYPE_CHECKING:
    from opentelemetry.trace import Span

log = structlog.get_logger()

CLOSED_BY_CALLER: Final = 499
JSON_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
HTML_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""Over TLS: browsers use only TLS for a year."""


class Observed:
    """The observed application. Written for speed, since it runs on every booking. `render` turns a problem into a page
    where a person sees it.
    """

    def __init__(
        self, app: ASGIApp, *, seconds: float, render: Callable[[Request, Response[Any]], Response[Any]]
    ) -> None:
        """`seconds` is the deadline from a request's head to the last byte of its response. A stream
        (`opt=route(stream=True, …)`) must begin within the deadline and then continues until it ends or its reader
        disconnects.
        """
        self.app: Final = app
        self.seconds: Final = seconds
        self.render: Final = render
        self.meters: Final[dict[tuple[str, int], tuple[Any, Any]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked: HTTPScope = (
            scope if scope["method"] != "HEAD" else {**scope, "method": "GET"}
        )  # the server drops the body
        began = time.perf_counter()
        origin = tracing.parse_origin(asked["headers"])
        tracing.CURRENT.set(origin)
        asked["state"]["request_id"] = origin.request_id
        status = 0

        async def respond(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if (declared := route_in(asked)) and declared.stream:
                    deadline.reschedule(None)
                headers = [*message["headers"], (b"x-request-id", origin.request_id.encode())]
                if asked["method"] == "OPTIONS":
                    headers = _with_all_methods(headers, asked)
                headers += asked["state"].get("limit", ())
                own = dict(headers)  # a page may set its own policy
                usual = HTML_HEADERS if own.get(b"content-type", b"").startswith(b"text/html") else JSON_HEADERS
                headers += (
                    usual
                    if b"content-security-policy" not in own
                    else [header for header in usual if header[0] not in own]
                )
                if asked["scheme"] == "https":
                    headers.append(STRICT_TRANSPORT)
                message["headers"] = headers
            await send(message)

        try:
            async with asyncio.timeout(self.seconds) as deadline:
                if tracing.tracer is None:
                    await self.app(asked, receive, respond)
                else:
                    with tracing.request_span(tracing.tracer, asked["method"], origin) as span:
                        await self.app(asked, receive, respond)
                        _describe(span, asked, status)
        except BaseException as error:
            if status:  # too late for another response: the server closes the connection
                raise
            await self._apologise(asked, receive, respond, error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._note(asked, status or CLOSED_BY_CALLER, time.perf_counter() - began)

    def _note(self, scope: HTTPScope, status: int, seconds: float) -> None:
        operation = operation_of(scope)
        meters = self.meters.get((operation, status))
        if meters is None:
            meters = self.meters[operation, status] = (
                REQUESTS.labels(operation, status),
                REQUEST_SECONDS.labels(operation),
            )
        meters[0].inc()
        meters[1].observe(seconds)
        tell = log.error if status >= 500 else log.debug if operation in QUIET else log.info
        tell(
            "request",
            operation=operation,
            method=scope["method"],
            route=scope.get("path_template"),
            status=status,
            milliseconds=round(seconds * 1000, 3),
        )

    async def _apologise(self, scope: Scope, receive: Receive, send: Send, error: BaseException) -> None:
        """Respond to what no handler answered: a bug in this layer, or a request that was cancelled because it took too
        long or the server is stopping.
        """
        given_up = isinstance(error, asyncio.CancelledError | TimeoutError)
        if not given_up:
            log.error("bug", error=type(error).__name__, exc_info=error)
        request = Request(scope, receive, send)
        response = (
            document(request, "unavailable", headers={"Retry-After": "2"})
            if given_up
            else document(request, "internal-error")
        )
        with suppress(Exception):
            response = self.render(request, response)
            await response.to_asgi_response(app=None, request=request)(scope, receive, send)


QUIET: Final = {"healthz", "readyz", "metrics"}
"""Polled every few seconds by monitoring; logged at debug level."""


def operation_of(scope: Scope) -> str:
    """Return the route's `operationId`, or `unknown` without a route."""
    handler = cast("Any", scope.get("route_handler"))
    name = handler and getattr(handler, "operation_id", None)
    return name if isinstance(name, str) else "unknown"


def _with_all_methods(headers: list[tuple[bytes, bytes]], scope: HTTPScope) -> list[tuple[bytes, bytes]]:
    """Complete the `Allow` header: the framework lists only the methods of the route's first controller."""
    template = scope.get("path_template")
    methods = {
        method for route in scope["litestar_app"].routes if route.path_format == template for method in route.methods
    }
    allow = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set()))).encode()
    return [(name, allow if name == b"allow" and methods else value) for name, value in headers]


def _describe(span: "Span", scope: HTTPScope, status: int) -> None:
    route = scope.get("path_template")
    if route:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
