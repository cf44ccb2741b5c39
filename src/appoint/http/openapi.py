"""Generate the OpenAPI 3.1 document from the routes, their structs and the table of problems."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from types import NoneType, UnionType
from typing import Any, Final, NamedTuple, Union, get_args, get_origin

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types.internal_types import PathParameterDefinition

from ..kit.errors import Fault
from ..kit.permissions import PERMISSIONS, PUBLIC_PERMISSIONS
from ..kit.structs import Page
from .problems.catalogue import PROBLEMS
from .problems.documents import ProblemDocument
from .problems.handlers import MEDIA_TYPE, described
from .request import JSON, MERGE_PATCH
from .routes import route_of
from .schemas import PREFIX, Schemas, camel, members, prose

METHODS: Final = ("get", "post", "put", "patch", "delete")
FAULTS: Final = {
    "invalid-request": (Fault("#/name", "is missing"),),
    "malformed-json": (Fault("#", "is not valid JSON"),),
}
ABOUT: Final = """Appointment booking for clinics.

Instants are UTC (`2027-03-01T08:30:00Z`); dates are the clinic's own, and ranges of dates include both ends. Money is in minor units. Lists come in
pages: `next` is the `cursor` of the following one. Every resource has a `version`, which is its `ETag`: send it as `If-Match` to change only what you
have read. Repeat a `POST` safely with an `Idempotency-Key`. An error is a problem document (RFC 9457) whose `type` is the address of a page about it."""
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "ETag": {
        "description": "The version that is shown.",
        "required": True,
        "schema": {"type": "string"},
        "example": '"v1"',
    },
    "Link": {
        "description": "The next page, if there is one.",
        "schema": {"type": "string"},
        "example": '</api/clinics?limit=50&cursor=…>; rel="next"',
    },
    "Idempotent-Replayed": {
        "description": "This answers a repeated request.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "X-Request-ID": {"description": "The request's id, as in our log.", "schema": {"type": "string"}},
    "Content-Language": {
        "description": "The language of title and detail.",
        "required": True,
        "schema": {"type": "string", "enum": ["en", "de", "es", "fr"]},
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "2",
    },
    "RateLimit-Limit": {
        "description": "How many requests are answered in a window of time.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "240",
    },
    "RateLimit-Remaining": {
        "description": "Requests left in the window.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "239",
    },
    "RateLimit-Reset": {
        "description": "Seconds until counting begins anew.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "42",
    },
    "RateLimit-Policy": {
        "description": "The limit, and the window's seconds.",
        "schema": {"type": "string"},
        "example": "240;w=60",
    },
    "WWW-Authenticate": {
        "description": "The authentication scheme to use.",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="appoint"',
    },
}
LIMITS: Final = tuple(name for name in HEADERS if name.startswith("RateLimit-"))
"""Rate-limit headers. Responses to callers without a limit omit them."""
PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "Accept-Language": {
        "description": "The language of problems: en, de, es or fr.",
        "schema": {"type": "string"},
        "example": "de",
    },
    "X-Request-ID": {
        "description": "An id of your own for this request; without a usable one, it gets one.",
        "schema": {"type": "string"},
        "example": "reception-4711",
    },
    "If-None-Match": {
        "description": "ETag of what you have: 304 if it is still that.",
        "schema": {"type": "string"},
        "example": '"v1"',
    },
    "If-Match": {
        "description": "ETag of what you mean to change: 412 if it is another by now.",
        "schema": {"type": "string"},
        "example": '"v1"',
    },
    "Idempotency-Key": {
        "description": "Makes repeating safe: the same key and body are answered with what the first made, for 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    },
}


class Operation(NamedTuple):
    route: str
    """The path as routed: `/api/clinics/{clinic_id:int}`."""
    path: str
    """The path as documented: `/api/clinics/{clinicId}`."""
    method: str
    handler: HTTPRouteHandler
    parameters: dict[str, type]
    """Path parameters by name."""
    query: Any
    body: Any
    answer: Any
    tag: str


def operations(app: Litestar) -> Iterator[Operation]:
    """Yield all documented operations below `/api`, tag by tag, in the order of the application's controllers."""
    found: dict[str, list[Operation]] = {}
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if route.path.startswith("/api/") and handler.resolve_include_in_schema():
                parts = [part if isinstance(part, str) else f"{{{camel(part.name)}}}" for part in route.path_components]
                signature = handler.parsed_fn_signature
                (method,) = handler.http_methods
                (tag,) = handler.resolve_tags()
                operation = Operation(
                    route=route.path,
                    path="/" + "/".join(parts),
                    method=method.lower(),
                    handler=handler,
                    parameters={
                        camel(part.name): part.type
                        for part in route.path_components
                        if isinstance(part, PathParameterDefinition)
                    },
                    query=signature.parameters["query"].annotation if "query" in signature.parameters else None,
                    body=handler.parsed_data_field.annotation if handler.parsed_data_field else None,
                    answer=_answer(signature.return_type.raw),
                    tag=tag,
                )
                found.setdefault(tag, []).append(operation)
    for group in found.values():
        yield from sorted(group, key=lambda operation: (operation.path, METHODS.index(operation.method)))


def _answer(annotation: Any) -> Any:
    """Return the content type of a `Response`, or None for an empty response."""
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    contents = (get_args(option)[0] if get_origin(option) is Response else option for option in options)
    return next((content for content in contents if content not in (None, NoneType)), None)


def text(app: Litestar) -> str:
    """Return the document as served and checked in."""
    return json.dumps(document(app), indent=1, ensure_ascii=False) + "\n"


def document(app: Litestar) -> dict[str, Any]:
    """Return the document as plain values."""
    every = list(operations(app))
    schemas = Schemas(
        [ProblemDocument, *(each.body for each in every if each.body), *(each.answer for each in every if each.answer)]
    )
    paths: dict[str, dict[str, Any]] = {}
    responses: dict[str, Any] = {}
    for each in every:
        paths.setdefault(each.path, {})[each.method] = _operation(each, schemas, responses)
    for path, item in paths.items():
        for operation in item.values():
            _locate(operation, path, paths)
    tags = {each.tag: type(getattr(inspect.unwrap(each.handler.fn), "__self__", None)).__doc__ for each in every}
    return msgspec.to_builtins(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Appoint",
                "version": version("appoint"),
                "description": ABOUT,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": name, **({"description": prose(doc)} if doc else {})} for name, doc in tags.items()],
            "paths": paths,
            "components": {
                "schemas": dict(sorted(schemas.components.items())),
                "parameters": {
                    name: {"name": name, "in": "header", **parameter} for name, parameter in PARAMETERS.items()
                },
                "headers": HEADERS,
                "responses": dict(sorted(responses.items())),
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _operation(operation: Operation, schemas: Schemas, shared: dict[str, Any]) -> dict[str, Any]:
    """Return the documented operation. Refusals that are the same for many operations are added to `shared`."""
    method, handler = operation.method, operation.handler
    declared = route_of(handler)
    permission = declared.permission
    summary, _, more = prose(handler.fn.__doc__ or "").partition(". ")
    inside = [schemas.path_parameter(operation.path, *parameter) for parameter in operation.parameters.items()]
    beside = schemas.query_parameters(operation.query) if operation.query else ()
    headers = [
        "Accept-Language",
        "X-Request-ID",
        {"get": "If-None-Match", "post": "Idempotency-Key"}.get(method, "If-Match"),
    ]
    if method == "post" and "version-mismatch" in declared.problems:
        headers.append("If-Match")
    item: dict[str, Any] = {
        "operationId": handler.operation_id,
        "tags": [operation.tag],
        "summary": summary.rstrip("."),
        **({"description": more} if more else {}),
        "x-permission": permission,
        "x-roles": {str(role): relation.name.lower() for role, relation in PERMISSIONS[permission].reach.items()},
        "security": [{}, {"bearer": []}] if permission in PUBLIC_PERMISSIONS else [{"bearer": []}],
        "parameters": [*inside, *beside, *({"$ref": f"#/components/parameters/{name}"} for name in headers)],
        "responses": {str(handler.status_code): _success(operation, schemas)},
    }
    if operation.body:
        media_types = (JSON, MERGE_PATCH) if method == "patch" else (JSON,)
        item["requestBody"] = {
            "required": NoneType not in get_args(operation.body),
            "content": dict.fromkeys(media_types, schemas.shown(operation.body)),
        }
    if method == "get":
        item["responses"]["304"] = {
            "description": "It is still what you have",
            "headers": _headers("X-Request-ID", "ETag"),
        }
    asked = operation.path.format_map({parameter["name"]: parameter["example"] for parameter in inside})
    by_status: dict[int, list[str]] = {}
    for problem in dict.fromkeys(_problems(operation)):
        by_status.setdefault(PROBLEMS[problem].status, []).append(problem)
    for status, problems in sorted(by_status.items()):
        if status == 409:
            item["responses"]["409"] = _refusal(problems, asked)
        else:
            name = ".".join(problems)
            shared.setdefault(name, _refusal(problems, asked))
            item["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
    return item


def _success(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(operation.handler.status_code).phrase}
    names = ["X-Request-ID", *LIMITS]
    if operation.answer:
        response["content"] = {JSON: schemas.shown(operation.answer)}
        names += ["ETag", "Link"] if get_origin(operation.answer) is Page else ["ETag"]
    if operation.method == "post":
        names.append("Idempotent-Replayed")
    response["headers"] = _headers(*names)
    return response


def _problems(operation: Operation) -> Iterator[str]:
    """Yield the types of all problems that the operation can respond with."""
    yield from ("invalid-request", "unauthorized", "too-many-requests", "unavailable")
    if route_of(operation.handler).permission not in PUBLIC_PERMISSIONS:
        yield "forbidden"
    if operation.body:
        yield from ("malformed-json", "body-too-large", "unsupported-media-type")
    bodies = [option for option in get_args(operation.body) if option is not NoneType] or [operation.body]
    names = [name for struct in (operation.query, *bodies) if struct for name in members(struct)]
    if operation.parameters or any(name.endswith(("Id", "Ids")) for name in names):
        yield "not-found"
    if operation.method == "post":
        yield "idempotency-key-reused"
    elif operation.method != "get":
        yield from ("version-mismatch", "version-required")
    yield from route_of(operation.handler).problems


def _refusal(problems: Sequence[str], asked: str) -> dict[str, Any]:
    """Return a response with one of the problems, which all have the same status."""
    own = {401: ("WWW-Authenticate",), 429: ("Retry-After", *LIMITS), 503: ("Retry-After",)}.get(
        PROBLEMS[problems[0]].status, ()
    )
    examples = {problem: {"value": example_of(problem, "en", asked)} for problem in problems}
    return {
        "description": " · ".join(PROBLEMS[problem].title for problem in problems),
        "headers": _headers("X-Request-ID", "Content-Language", *own),
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{PREFIX}ProblemDocument"}, "examples": examples}},
    }


def example_of(problem: str, language: str, asked: str) -> dict[str, Any]:
    """Return an example problem document in response to a request for the path `asked`."""
    return described(
        problem,
        language,
        instance=asked,
        request_id="reception-4711",
        facts=PROBLEMS[problem].facts,
        faults=FAULTS.get(problem, ()),
    )


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _locate(operation: dict[str, Any], path: str, paths: Mapping[str, Any]) -> None:
    """Document the `Location` header of a 201: the resource's path, found by its name in the path or by the response
    type.
    """
    if not (created := operation["responses"].get("201")):
        return
    made = created["content"][JSON]
    singles = [single for single in paths if single.endswith("}")]
    named = [single for single in singles if single.split("/")[-2] == path.rsplit("/", 1)[-1]]
    alike = [
        single for single in singles if made["schema"] in [_answered(operation) for operation in paths[single].values()]
    ]
    location = re.sub(
        r"\{(\w+)\}",
        lambda found: str(made["example"].get(found[1], made["example"].get("id"))),
        min(named or alike, key=len),
    )
    created["headers"]["Location"] = {
        "description": "Its address.",
        "required": True,
        "schema": {"type": "string"},
        "example": location,
    }


def _answered(operation: dict[str, Any]) -> Any:
    return operation["responses"].get("200", {}).get("content", {}).get(JSON, {}).get("schema")
