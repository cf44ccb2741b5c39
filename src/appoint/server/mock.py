"""A mock of the API for client developers: the same paths, shapes and problems, with the documented examples as
responses.

It validates requests as strictly as the real API, but doesn't require a token. `Prefer: code=409` selects a documented
response in place of the successful one, and `Prefer: code=409, example=taken` selects one of several with that code.
"""

from collections.abc import Mapping
from functools import wraps
from typing import Any, Final, cast

from litestar import Litestar, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect
from litestar.types import Method

from ..http import openapi
from ..http.etags import matches
from ..http.middleware import ObservedApp
from ..http.openapi import Operation
from ..http.problems import handlers as problem_handlers
from ..http.problems.catalogue import PROBLEMS
from ..http.request import JSON, MAX_BODY_BYTES, Request, check_address
from ..http.routes import route
from ..kit.errors import Fault, Invalid
from ..settings import Settings
from ..site import api_docs
from ..site.error_pages import readable
from . import app as application

EXAMPLE_HEADERS: Final = ("Location", "ETag", "Retry-After", "WWW-Authenticate")
"""Headers whose values come from the document's examples."""


def create() -> Litestar:
    """Return the mock. It needs neither settings nor a database."""
    real = application.create(Settings(), database_url="", admin_token="")  # only inspected, never started
    document = api_docs.Document(openapi.document(real))
    described = {operation["operationId"]: operation for _, _, operations in document.tags for operation in operations}
    handlers = [
        _mock_handler(operation, described[str(operation.handler.operation_id)])
        for operation in openapi.operations(real)
    ]
    app = Litestar(
        [Router("/", route_handlers=handlers, guards=[check_address]), *api_docs.PAGES, front],
        request_class=Request,
        exception_handlers=problem_handlers.HANDLERS,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = ObservedApp(app.asgi_handler, seconds=60, render=readable)
    return app


@get("/", operation_id="showDocs", opt=route(permission="public"), include_in_schema=False)
async def front() -> Redirect:
    """Redirect to the documentation."""
    return Redirect("/api/docs")


def _mock_handler(operation: Operation, described: Mapping[str, Any]) -> HTTPRouteHandler:
    """Return a handler that validates requests in the same way as the operation, and responds with the documented
    example."""
    real = operation.handler

    @wraps(real.fn)
    async def answer(**arguments: Any) -> Response[Any]:
        return _answer(arguments["request"], str(real.status_code), described["responses"])

    return HTTPRouteHandler(
        operation.route,
        http_method=cast("Method", operation.method.upper()),
        status_code=real.status_code,
        operation_id=real.operation_id,
        opt=real.opt,
        request_max_body_size=real.resolve_request_max_body_size(),
        tags=[operation.tag],
    )(answer)


def _answer(request: Request, success: str, responses: Mapping[str, Any]) -> Response[Any]:
    preferences = _preferences(request.headers.get("prefer", ""))
    code = preferences.get("code", success)
    if code not in responses:
        raise Invalid(Fault("Prefer", "must be one of: {values}", values=", ".join(responses)))
    if (
        code == success
        and "304" in responses
        and matches(request.headers.get("if-none-match"), openapi.HEADERS["ETag"]["example"], weakly=True)
    ):
        code = "304"
    headers = {
        name: header["example"] for name, header in responses[code]["headers"].items() if name in EXAMPLE_HEADERS
    }
    content = responses[code]["content"]
    if problem_handlers.MEDIA_TYPE in content:
        return _refusal(
            request, list(content[problem_handlers.MEDIA_TYPE]["examples"]), preferences.get("example"), headers
        )
    media_type = JSON if JSON in content else next(iter(content), None)
    example = content[media_type]["example"] if media_type else None
    return Response(example, media_type=media_type, status_code=int(code), headers=headers)


def _refusal(request: Request, names: list[str], preferred: str | None, headers: dict[str, str]) -> Response[bytes]:
    name = preferred or names[0]
    if name not in names:
        raise Invalid(Fault("Prefer", "must be one of: {values}", values=", ".join(names)))
    return problem_handlers.problem_response(
        request, name, facts=PROBLEMS[name].facts, faults=openapi.EXAMPLE_FAULTS.get(name, ()), headers=headers
    )


def _preferences(header: str) -> dict[str, str]:
    """Parse a Prefer header (RFC 7240): `code=409, example="taken"`."""
    pairs = (part.partition("=") for part in header.replace(";", ",").split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
