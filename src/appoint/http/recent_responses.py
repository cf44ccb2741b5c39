"""Answer repeated requests about free times before the framework sees them.

The framework takes longer than anything else about a response that is already encoded. If an anonymous caller requests
the same path and query as another caller a moment ago, they get the same document. Limits, headers, metrics and the log
are as for all other requests.
"""

from collections.abc import Hashable
from typing import Any, Final, NamedTuple, cast

import litestar
from litestar.handlers import BaseRouteHandler
from litestar.types import HTTPScope, Send

from ..kit.recent_values import Scope
from .access import anonymous_caller
from .dependencies import Services
from .etags import matches
from .request import Request
from .responses import Encoded
from .routes import handler_in, path_template_in, route_of

PERSONAL_HEADERS: Final = frozenset({b"appoint-at-least", b"authorization", b"cookie", b"origin", b"x-csrf-token"})
"""Headers that a response may depend on. Requests that have any are left to the framework."""


class _Origin(NamedTuple):
    """Where a document comes from."""

    handler: BaseRouteHandler
    path_template: str | None
    cache_control: str


def remember_response(
    request: litestar.Request[Any, Any, Any], services: Services, scope: Scope, key: Hashable, *, cache_control: str
) -> None:
    """Let `answer_from_memory` give the document with this scope and key to other callers of this address."""
    origin = _Origin(handler_in(request.scope), path_template_in(request.scope), cache_control)
    services.cache.recent.remember_address(_address(request.scope), scope, key, origin)


async def answer_from_memory(scope: HTTPScope, send: Send) -> bool:
    """Respond if there is a recent document for the request. Return whether there was. Raise `TooMany` if the caller
    has sent too many requests."""
    fields = cast("Any", scope)
    services: Services | None = fields["litestar_app"].state.get("services")
    if scope["method"] != "GET" or services is None:
        return False
    recent = services.cache.recent.find(_address(scope))
    if recent is None or any(name in PERSONAL_HEADERS for name, _ in scope["headers"]):
        return False
    document, origin = cast("tuple[Encoded, _Origin]", recent)
    fields["route_handler"], fields["path_template"] = origin.handler, origin.path_template
    request = Request(scope)
    fields["user"] = caller = anonymous_caller(request)
    await services.limits.admit(request, caller, route_of(origin.handler))
    is_known = matches(request.headers.get("if-none-match"), document.tag, weakly=True)
    headers = [(b"etag", document.tag.encode()), (b"cache-control", origin.cache_control.encode())]
    if not is_known:
        length = str(len(document.body)).encode()
        headers += [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 304 if is_known else 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_known else document.body, "more_body": False})
    return True


def _address(scope: Any) -> bytes:
    return (scope.get("raw_path") or scope["path"].encode()) + b"?" + scope["query_string"]
