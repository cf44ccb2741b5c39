"""Wrap every request, even those without a route: request id and trace, one log line, metrics, security headers, a
check of the head, a deadline, and a catch-all for errors.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import structlog
from litestar import Response
from litestar.config.cors import CORSConfig
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from ..kit import errors, tracing
from ..kit.metrics import REQUEST_SECONDS, REQUESTS
from .caching import cache_control
from .changed_times import forget_changed_times
from .positions import headers_after_change
from .problems.handlers import answer_refusal, problem_response
from .recent_responses import answer_from_memory
from .request import Request
from .request_head import address_without_slash, check_head, split_pdf
from .routes import handler_in, path_template_in, route_in
from .turns import HEADERS

if TYPE_CHECKING:
    from opentelemetry.trace import Span

log = structlog.get_logger()

CLOSED_BY_CALLER: Final = 499
CACHE_CONTROL: Final = b"cache-control"
CSP: Final = b"content-security-policy"
SAME_ORIGIN_RESOURCE: Final = (b"cross-origin-resource-policy", b"same-origin")
JSON_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (CSP, b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    SAME_ORIGIN_RESOURCE,
]
HTML_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (
        CSP,
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    SAME_ORIGIN_RESOURCE,
]
STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""Tells browsers to use only TLS for a year. Sent only over TLS."""


class Gate(Protocol):
    """Holds visitors back before the application sees their requests."""

    async def __call__(self, scope: HTTPScope, send: Send, /) -> bool:
        """Respond if the visitor has to wait. Return whether they do."""
        ...

    def observe(self, scope: HTTPScope, status: int, seconds: float, /) -> None:
        """Record how long a request took."""
        ...


class Router(Protocol):
    """Finds requests that another installation has to answer."""

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send, /) -> Receive | None:
        """Respond if another installation has to. Otherwise, return what the application reads the body from."""
        ...


class ObservedApp:
    """The application, wrapped in everything that applies to all requests. Written for speed, because it runs on every
    booking.

    `render` turns a problem into a page if a person will see it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        seconds: float,
        render: Callable[[Request, Response[Any]], Response[Any]],
        gate: Gate | None = None,
        router: Router | None = None,
        cors: CORSConfig | None = None,
    ) -> None:
        """`seconds` is how long a request may take, from its head to the last byte of its response. A stream
        (`opt=route(stream=True, …)`) must begin within this time and then continues until it ends or the client
        disconnects. `cors` names the sites whose scripts may read the responses of this layer, as of all others.
        """
        self.app: Final = app
        self.seconds: Final = seconds
        self.render: Final = render
        self.gate: Final = gate
        self.router: Final = router
        self.cors: Final = cors
        self.meters: Final[dict[tuple[str, int], tuple[Any, Any]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # the server drops the body from responses to HEAD
        http_scope: HTTPScope = scope if scope["method"] != "HEAD" else {**scope, "method": "GET"}
        began = time.perf_counter()
        origin = tracing.parse_origin(http_scope["headers"])
        tracing.CURRENT.set(origin)
        http_scope["state"]["request_id"] = origin.request_id
        status = 0

        async def respond(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                forget_changed_times(http_scope)
                after_change = await headers_after_change(http_scope, status)
                if (declared := route_in(http_scope)) and declared.stream:
                    deadline.reschedule(None)
                message["headers"] = _complete([*message["headers"], *after_change], http_scope, origin.request_id)
            await send(message)

        try:
            async with asyncio.timeout(self.seconds) as deadline:
                if tracing.tracer is None:
                    await self._serve(http_scope, receive, respond)
                else:
                    with tracing.request_span(tracing.tracer, http_scope["method"], origin) as span:
                        await self._serve(http_scope, receive, respond)
                        _describe(span, http_scope, status)
        except BaseException as error:
            if status:  # it is too late for a different response, so the server closes the connection
                raise
            await self._answer_error(http_scope, receive, respond, error)
            if not isinstance(error, Exception):
                raise
        finally:
            if not status:
                forget_changed_times(http_scope)
            seconds = time.perf_counter() - began
            if self.gate:
                self.gate.observe(http_scope, status, seconds)
            self._record(http_scope, status or CLOSED_BY_CALLER, seconds)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass the request to the application if its head is acceptable. Redirect addresses that end with a slash."""
        check_head(scope)
        if location := address_without_slash(scope):
            headers = [(b"location", location.encode("latin-1")), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 308, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        reader = await self.router(scope, receive, send) if self.router else receive
        if reader is None:
            return
        if not (self.gate and await self.gate(scope, send)) and not await answer_from_memory(scope, send):
            split_pdf(scope)
            await self.app(scope, reader, send)

    def _record(self, scope: HTTPScope, status: int, seconds: float) -> None:
        operation = operation_of(scope)
        meters = self.meters.get((operation, status))
        if meters is None:
            meters = self.meters[operation, status] = (
                REQUESTS.labels(operation, status),
                REQUEST_SECONDS.labels(operation),
            )
        meters[0].inc()
        meters[1].observe(seconds)
        write = log.error if status >= 500 else log.debug if operation in QUIET_OPERATIONS else log.info
        write(
            "request",
            operation=operation,
            method=scope["method"],
            route=path_template_in(scope),
            status=status,
            milliseconds=round(seconds * 1000, 3),
        )

    async def _answer_error(self, scope: Scope, receive: Receive, send: Send, error: BaseException) -> None:
        """Respond to a request that no handler has responded to because its head is not acceptable, there is a bug in
        this layer, the request took too long, or the server is stopping.
        """
        request = Request(scope, receive, send)
        match error:
            case errors.AppointError():
                response = answer_refusal(request, error)
            case asyncio.CancelledError() | TimeoutError():
                response = problem_response(request, "unavailable", headers={"Retry-After": "2"})
            case _:
                log.error("bug", error=type(error).__name__, exc_info=error)
                response = problem_response(request, "internal-error")
        with suppress(Exception):
            response = self.render(request, response)
            origin = request.headers.get("origin")
            if self.cors and origin and self.cors.is_origin_allowed(origin):
                allowed = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
                response.headers.update(self.cors.simple_headers | allowed)
            respond: Any = cast("Any", response).to_asgi_response(app=None, request=request)
            await respond(scope, receive, send)


QUIET_OPERATIONS: Final = {"healthz", "readyz", "metrics", "waitInQueue", "listClinicsForCells"}
"""Monitoring, waiting people's pages and other cells load these every few seconds. They are logged at debug level."""


def operation_of(scope: Scope) -> str:
    """Return the route's `operationId`, or `unknown` if there is no route."""
    name = getattr(handler_in(scope), "operation_id", None)
    return name if isinstance(name, str) else "unknown"


def _complete(own: Iterable[tuple[bytes, bytes]], scope: HTTPScope, request_id: str) -> list[tuple[bytes, bytes]]:
    """Return a response's own headers along with those that all responses have."""
    state = scope["state"]
    headers = [*own, (b"x-request-id", request_id.encode())]
    if scope["method"] == "OPTIONS":
        headers = _with_all_methods(headers, scope)
    headers += state.get("limit", ())
    by_name = dict(headers)  # a page may set its own policies
    usual = HTML_HEADERS if by_name.get(b"content-type", b"").startswith(b"text/html") else JSON_HEADERS
    headers += [header for header in usual if header[0] not in by_name]
    headers = [header for header in headers if header[0] != CACHE_CONTROL]
    choice = b"no-store" if HEADERS in state else by_name.get(CACHE_CONTROL)
    headers.append((CACHE_CONTROL, cache_control(scope, choice)))
    headers += state.get(HEADERS, ())
    if scope["scheme"] == "https":
        headers.append(STRICT_TRANSPORT)
    return headers


def _with_all_methods(headers: list[tuple[bytes, bytes]], scope: HTTPScope) -> list[tuple[bytes, bytes]]:
    """Complete the `Allow` header, because the framework lists only the first controller's methods for the route."""
    template = path_template_in(scope)
    methods = {
        method for route in scope["litestar_app"].routes if route.path_format == template for method in route.methods
    }
    allow = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set()))).encode()
    return [(name, allow if name == b"allow" and methods else value) for name, value in headers]


def _describe(span: "Span", scope: HTTPScope, status: int) -> None:
    route = path_template_in(scope)
    if route:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
