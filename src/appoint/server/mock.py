"""The API without a clinic: the same paths, shapes and refusals, answered with the examples of its documentation. For
developers of clients.

Requests are read as strictly as the real ones, but need no token. `Prefer: code=409` asks for a documented answer other
than success, and `Prefer: code=409, example=taken` for one of several of that code.
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
from ..http.middleware import Observed
from ..http.openapi import Operation
from ..http.problems import handlers as problem_handlers
from ..http.problems.catalogue import PROBLEMS
from ..http.request import BODY_BYTES, JSON, Request, check_address
from ..http.routes import route
from ..kit.errors import Fault, Invalid
from ..settings import Settings
from ..site import api_docs
from ..site.error_pages import readable
from . import app as application

STATED: Final = ("Location", "ETag", "Retry-After", "WWW-Authenticate")
"""Headers that are answered as the document gives them for example."""


def create() -> Litestar:
    """The mock; it needs neither settings nor a database."""
    real = application.create(Settings(), database_url="", admin_token="")  # looked at, never started
    document = api_docs.Document(openapi.document(real))
    described = {operation["operationId"]: operation for _, _, operations in document.tags for operation in operations}
    handlers = [
        _mocked(operation, described[str(operation.handler.operation_id)]) for operation in openapi.operations(real)
    ]
    app = Litestar(
        [Router("/", route_handlers=handlers, guards=[check_address]), *api_docs.PAGES, front],
        request_class=Request,
        exception_handlers=problem_handlers.HANDLERS,
        request_max_body_size=BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Observed(app.asgi_handler, seconds=60, render=readable)
    return app


@get("/", operation_id="showDocs", opt=route(permission="public"), include_in_schema=False)
async def front() -> Redirect:
    """What there is to look at here."""
    return Redirect("/api/docs")


def _mocked(operation: Operation, described: Mapping[str, Any]) -> HTTPRouteHandler:
    """A handler that reads what the operation's own reads, and answers as the document says."""
    real = operation.handler

    @wraps(real.fn)
    async def answer(**given: Any) -> Response[Any]:
        return _answer(given["request"], str(real.status_code), described["responses"])

    return HTTPRouteHandler(
        operation.route,
        http_method=cast("Method", operation.method.upper()),
        status_code=real.status_code,
        operation_id=real.operation_id,
        opt=real.opt,
        tags=[operation.tag],
    )(answer)


def _answer(request: Request, success: str, responses: Mapping[str, Any]) -> Response[Any]:
    wanted = _preferences(request.headers.get("prefer", ""))
    code = wanted.get("code", success)
    if code not in responses:
        raise Invalid(Fault("Prefer", "must be one of: {values}", values=", ".join(responses)))
    if (
        code == success
        and request.method == "GET"
        and matches(request.headers.get("if-none-match"), openapi.HEADERS["ETag"]["example"], weakly=True)
    ):
        code = "304"
    headers = {name: header["example"] for name, header in responses[code]["headers"].items() if name in STATED}
    content = responses[code]["content"]
    if problem_handlers.MEDIA_TYPE in content:
        return _refusal(request, list(content[problem_handlers.MEDIA_TYPE]["examples"]), wanted.get("example"), headers)
    return Response(content[JSON]["example"] if content else None, status_code=int(code), headers=headers)


def _refusal(request: Request, names: list[str], wanted: str | None, headers: dict[str, str]) -> Response[bytes]:
    name = wanted or names[0]
    if name not in names:
        raise Invalid(Fault("Prefer", "must be one of: {values}", values=", ".join(names)))
    return problem_handlers.document(
        request, name, facts=PROBLEMS[name].facts, faults=openapi.FAULTS.get(name, ()), headers=headers
    )


def _preferences(header: str) -> dict[str, str]:
    """`code=409, example="taken"` as a mapping (RFC 7240)."""
    pairs = (part.partition("=") for part in header.replace(";", ",").split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
