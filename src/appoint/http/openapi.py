"""Generate the OpenAPI 3.1 document from the routes, their structs and the problem catalogue."""

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
from .openapi_headers import HEADERS, LIMITS, PARAMETERS
from .problems.catalogue import PROBLEMS
from .problems.documents import ProblemDocument
from .problems.handlers import MEDIA_TYPE, problem_members
from .request import JSON, MERGE_PATCH
from .routes import route_of
from .schemas import PDF_CONTENT, PREFIX, Schemas, camel, members, prose

METHODS: Final = ("get", "post", "put", "patch", "delete")
EXAMPLE_FAULTS: Final = {
    "invalid-request": (Fault("#/name", "is missing"),),
    "malformed-json": (Fault("#", "is not valid JSON"),),
}
DESCRIPTION: Final = """Appointment booking for clinics.

Times are in UTC (`2027-03-01T08:30:00Z`). Dates are in the clinic's time zone; date ranges include both ends.
Monetary amounts are in minor units. Lists are paginated: `next` is the `cursor` for the next page. Every resource has a
`version`, which is its `ETag`: send it as `If-Match` to make sure that you change the version that you have read. To
repeat a `POST` safely, send an `Idempotency-Key`. Errors are problem documents (RFC 9457); their `type` is the address
of a page about the problem."""


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
    result: Any
    tag: str


def operations(app: Litestar) -> Iterator[Operation]:
    """Yield all documented operations under `/api`, grouped by tag, in the order of the application's controllers."""
    by_tag: dict[str, list[Operation]] = {}
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if route.path.startswith("/api/") and handler.resolve_include_in_schema():
                parts = [part if isinstance(part, str) else f"{{{camel(part.name)}}}" for part in route.path_components]
                signature = handler.parsed_fn_signature
                (method,) = handler.http_methods
                (tag,) = handler.resolve_tags()
                operation = Operation(
                    route=route.path,
                    path="/" + "/".join(parts).replace("/.pdf", ".pdf"),
                    method=method.lower(),
                    handler=handler,
                    parameters={
                        camel(part.name): part.type
                        for part in route.path_components
                        if isinstance(part, PathParameterDefinition)
                    },
                    query=signature.parameters["query"].annotation if "query" in signature.parameters else None,
                    body=handler.parsed_data_field.annotation if handler.parsed_data_field else None,
                    result=_result_type(signature.return_type.raw),
                    tag=tag,
                )
                by_tag.setdefault(tag, []).append(operation)
    for group in by_tag.values():
        yield from sorted(group, key=lambda operation: (operation.path, METHODS.index(operation.method)))


def _result_type(annotation: Any) -> Any:
    """Return the type of a `Response`'s content, or None for an empty response."""
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    contents = (get_args(option)[0] if get_origin(option) is Response else option for option in options)
    return next((content for content in contents if content not in (None, NoneType)), None)


def text(app: Litestar) -> str:
    """Return the document in the form in which it is served and checked in."""
    return json.dumps(document(app), indent=1, ensure_ascii=False) + "\n"


def document(app: Litestar) -> dict[str, Any]:
    """Return the document as plain values."""
    documented = list(operations(app))
    bodies = [operation.body for operation in documented if operation.body]
    results = [operation.result for operation in documented if operation.result not in (None, bytes)]
    schemas = Schemas([ProblemDocument, *bodies, *results])
    paths: dict[str, dict[str, Any]] = {}
    responses: dict[str, Any] = {}
    for operation in documented:
        paths.setdefault(operation.path, {})[operation.method] = _describe(operation, schemas, responses)
    for path, item in paths.items():
        for description in item.values():
            _add_location(description, path, paths)
    return msgspec.to_builtins(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Appoint",
                "version": version("appoint"),
                "description": DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/"}],
            "tags": _tags(documented),
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


def _tags(documented: Sequence[Operation]) -> list[dict[str, str]]:
    """Return the tags, described by their controllers' docstrings."""
    by_name: dict[str, list[str]] = {}
    for operation in documented:
        controller: object = getattr(inspect.unwrap(operation.handler.fn), "__self__", None)
        descriptions, description = by_name.setdefault(operation.tag, []), prose(type(controller).__doc__ or "")
        if description and description not in descriptions:
            descriptions.append(description)
    return [
        {"name": name, **({"description": " ".join(descriptions)} if descriptions else {})}
        for name, descriptions in by_name.items()
    ]


def _describe(operation: Operation, schemas: Schemas, shared: dict[str, Any]) -> dict[str, Any]:
    """Return an operation's description. Add any refusals that it shares with other operations to `shared`."""
    method, handler = operation.method, operation.handler
    declared = route_of(handler)
    permission = declared.permission
    summary, _, more = prose(handler.fn.__doc__ or "").partition(". ")
    in_path = [schemas.path_parameter(operation.path, *parameter) for parameter in operation.parameters.items()]
    in_query = schemas.query_parameters(operation.query) if operation.query else ()
    headers = [
        "Accept-Language",
        "X-Request-ID",
        {"get": "If-None-Match", "post": "Idempotency-Key"}.get(method, "If-Match"),
        *(["Appoint-At-Least"] if declared.stale else []),
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
        "parameters": [*in_path, *in_query, *({"$ref": f"#/components/parameters/{name}"} for name in headers)],
        "responses": {str(handler.status_code): _success(operation, schemas)},
    }
    if operation.body:
        media_types = (JSON, MERGE_PATCH) if method == "patch" else (JSON,)
        item["requestBody"] = {
            "required": NoneType not in get_args(operation.body),
            "content": dict.fromkeys(media_types, schemas.with_example(operation.body)),
        }
    if method == "get" and operation.result is not str:
        item["responses"]["304"] = {
            "description": "Your copy is current",
            "headers": _headers("X-Request-ID", "ETag"),
        }
    example_path = operation.path.format_map({parameter["name"]: parameter["example"] for parameter in in_path})
    item["responses"] |= _refusals(operation, example_path, shared)
    return item


def _refusals(operation: Operation, example_path: str, shared: dict[str, Any]) -> dict[str, Any]:
    """Return the problem responses, by status."""
    by_status: dict[int, list[str]] = {}
    for problem in dict.fromkeys(_problems(operation)):
        by_status.setdefault(PROBLEMS[problem].status, []).append(problem)
    responses: dict[str, Any] = {}
    for status, problems in sorted(by_status.items()):
        if status == 409:
            responses["409"] = _refusal(problems, example_path)
        else:
            name = ".".join(problems)
            shared.setdefault(name, _refusal(problems, example_path))
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _success(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(operation.handler.status_code).phrase}
    names = ["X-Request-ID", *LIMITS, *([] if operation.method == "get" else ["Appoint-Position"])]
    if operation.result:
        media_types, is_file = route_of(operation.handler).media_types, operation.result in (str, bytes)
        body = PDF_CONTENT if operation.result is bytes else schemas.with_example(operation.result)
        others = dict.fromkeys(media_types, body if is_file else {"schema": {"type": "string"}})
        response["content"] = others if is_file else {JSON: body, **others}
        names += [] if operation.result is str else ["ETag"]
        names += ["Link"] if get_origin(operation.result) is Page else []
    names += ["Idempotent-Replayed"] if operation.method == "post" else []
    response["headers"] = _headers(*names, *route_of(operation.handler).headers)
    return response


def _problems(operation: Operation) -> Iterator[str]:
    """Yield every type of problem with which the operation can respond."""
    yield from ("invalid-request", "unauthorized", "too-many-requests", "unavailable")
    if route_of(operation.handler).permission not in PUBLIC_PERMISSIONS:
        yield from ("forbidden", "network-refused", "second-factor-required")
    if route_of(operation.handler).recent_proof:
        yield "proof-required"
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


def _refusal(problems: Sequence[str], example_path: str) -> dict[str, Any]:
    """Return the response for problems that all have the same status."""
    headers = {401: ("WWW-Authenticate",), 429: ("Retry-After", *LIMITS), 503: ("Retry-After",)}.get(
        PROBLEMS[problems[0]].status, ()
    )
    examples = {problem: {"value": example_of(problem, "en", example_path)} for problem in problems}
    return {
        "description": " · ".join(PROBLEMS[problem].title for problem in problems),
        "headers": _headers("X-Request-ID", "Content-Language", *headers),
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{PREFIX}ProblemDocument"}, "examples": examples}},
    }


def example_of(problem: str, language: str, path: str) -> dict[str, Any]:
    """Return an example of the problem document for a request to the path."""
    return problem_members(
        problem,
        language,
        instance=path,
        request_id="reception-4711",
        facts=PROBLEMS[problem].facts,
        faults=EXAMPLE_FAULTS.get(problem, ()),
    )


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _add_location(operation: dict[str, Any], path: str, paths: Mapping[str, Any]) -> None:
    """Document the `Location` header of a 201. It points to the resource's path in the same collection or, if there is
    none, to a path whose operation returns the same type, or else to a path in the parent collection.
    """
    if not (created := operation["responses"].get("201")):
        return
    content = created["content"][JSON]
    resource_paths = [each for each in paths if each.endswith("}")]
    in_collection = [each for each in resource_paths if each.split("/")[-2] == path.rsplit("/", 1)[-1]]
    with_type = [each for each in resource_paths if content["schema"] in map(_schema_of_200, paths[each].values())]
    above = [each for each in resource_paths if path.startswith(each.rpartition("/")[0] + "/")]
    location = re.sub(
        r"\{(\w+)\}",
        lambda parameter: str(content["example"].get(parameter[1], content["example"].get("id"))),
        min(in_collection or with_type or above, key=len),
    )
    created["headers"]["Location"] = {
        "description": "The address of the new resource.",
        "required": True,
        "schema": {"type": "string"},
        "example": location,
    }


def _schema_of_200(operation: dict[str, Any]) -> Any:
    return operation["responses"].get("200", {}).get("content", {}).get(JSON, {}).get("schema")
