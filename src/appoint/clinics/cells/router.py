"""Pass requests for clinics that are at home in another cell on to that cell, before they reach the framework.

A browser is redirected. A program's request is forwarded once, together with its credentials, because clients drop
those when they follow a redirect to another host.
"""

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from litestar.types import HTTPScope, Receive, Send

from ...http.routes import route
from ...kit import clock, errors
from .addresses import NAMED_IN_BODY, NAMED_IN_QUERY, clinic_in_body, clinic_in_path, clinic_in_query
from .model import Cell
from .network import SENDER, Cells
from .signatures import HEADER, Origin, Signed, covers, read_origin

if TYPE_CHECKING:
    from .gateway import CellGateway

MAX_BODY_BYTES: Final = 6 * 1024 * 1024
"""Enough for a picture, which is the largest body of any operation."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers that belong to a connection (RFC 9110, section 7.6.1)."""
NOT_FORWARDED: Final = HOP_BY_HOP | {
    b"content-length",
    b"cookie",  # only this cell's sessions are in it
    b"expect",
    b"forwarded",
    b"host",
    b"origin",
    b"x-csrf-token",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"x-request-id",
    HEADER.encode(),
}
NOT_RETURNED: Final = HOP_BY_HOP | {
    b"access-control-allow-origin",
    b"access-control-expose-headers",
    b"cache-control",
    b"date",
    b"server",
    b"set-cookie",
    b"strict-transport-security",
    b"x-request-id",
}
"""Headers that this cell sets itself, or that would apply to the wrong host."""


class _Route(NamedTuple):
    """What the log and the metrics say about requests that another cell answers."""

    operation_id: str
    opt: dict[str, Any]


REDIRECTED: Final = _Route("redirectToCell", route(permission="register", page=True))
FORWARDED: Final = _Route("forwardToCell", route(permission="register"))
"""With this permission, responses are never cached, and the request does not drop any recent free times."""


class CellRouter:
    """`cells` is set while the application runs."""

    def __init__(self) -> None:
        self.cells: Cells | None = None

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Receive | None:
        """Respond if the clinic is at home in another cell. Otherwise, return what the application reads the body from.

        Raise `Forbidden` for a forged signature, and `Unavailable` if the other cell does not respond, or if that cell
        has sent the request because it believes that the clinic is at home here.
        """
        if self.cells is None or self.cells.table.own is None:
            return receive
        table, gateway = self.cells.table, self.cells.gateway
        body: bytes | None = None
        signature = _header(scope, HEADER.encode())
        if signature is not None:
            body = await self._accept(gateway, scope, receive, signature)
        clinic = clinic_in_path(scope["path"])
        if clinic is None and scope["method"] == "POST" and scope["path"] in NAMED_IN_BODY:
            body = await _read_body(receive) if body is None else body
            clinic = clinic_in_body(body)
        if scope["path"] == NAMED_IN_QUERY:
            clinic = clinic_in_query(scope["query_string"])
        clinic_id = table.find_slug(clinic) if isinstance(clinic, str) else clinic
        cell = table.cell_of(clinic_id) if clinic_id else None
        if cell is None:
            return receive if body is None else _replay(body, receive)
        if signature is not None:  # the cells' tables differ for a moment after a move
            raise errors.Unavailable(retry_after_seconds=1)
        if is_redirected(scope):
            await _redirect(scope, send, cell)
        else:
            body = await _read_body(receive) if body is None else body
            await _forward(gateway, scope, send, cell, body)
        return None

    async def _accept(self, gateway: "CellGateway", scope: HTTPScope, receive: Receive, signature: str) -> bytes:
        """Check a request from another cell, adopt the caller's address, and return the body."""
        content = read_origin(gateway.secret, signature, now=clock.now())
        if content is None:
            raise errors.Forbidden
        origin, digest = content
        body = await _read_body(receive)
        if not covers(digest, Signed(gateway.name, scope["method"], _target(scope), body)):
            raise errors.Forbidden
        _adopt(scope, origin)
        return body


def is_redirected(scope: HTTPScope) -> bool:
    """Return whether a request is redirected rather than forwarded. Raise `clinic-moved` for a form, because browsers
    don't send one to another host."""
    if scope["path"].startswith("/api/"):
        return scope["method"] in SAFE_METHODS and _header(scope, b"authorization") is None
    if scope["method"] in SAFE_METHODS:
        return True
    raise errors.AppointError("clinic-moved")


async def _forward(gateway: "CellGateway", scope: HTTPScope, send: Send, cell: Cell, body: bytes) -> None:
    """Send the request to the other cell once, and return its response."""
    cast("Any", scope)["route_handler"] = FORWARDED
    client = scope["client"]
    headers = [header for header in scope["headers"] if header[0] not in NOT_FORWARDED]
    headers.append((b"x-request-id", scope["state"]["request_id"].encode()))
    address = client[0] if client else ""
    async with gateway.stream(
        cell, scope["method"], _target(scope), headers=headers, body=body, address=address
    ) as response:
        returned = [(name.lower(), value) for name, value in response.headers.raw]
        returned = [header for header in returned if header[0] not in NOT_RETURNED]
        await send({"type": "http.response.start", "status": response.status_code, "headers": returned})
        async for part in response.aiter_raw():
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _redirect(scope: HTTPScope, send: Send, cell: Cell) -> None:
    cast("Any", scope)["route_handler"] = REDIRECTED
    headers = [(b"location", (cell.url + _target(scope)).encode("latin-1")), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _target(scope: HTTPScope) -> str:
    path = cast("Any", scope).get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _header(scope: HTTPScope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _adopt(scope: HTTPScope, origin: Origin) -> None:
    scope["state"][SENDER] = origin.cell
    if origin.address:
        scope["client"] = (origin.address, 0)


async def _read_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise errors.Unavailable  # the caller has disconnected
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise errors.Invalid(type="body-too-large")
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a function that receives the body, and then whatever follows."""
    is_sent = False

    async def replay() -> Any:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
