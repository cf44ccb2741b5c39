"""The API reference as pages (overview, operations and problems), and the OpenAPI document behind them."""

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from litestar import Litestar, MediaType, Request, Response, get
from litestar.params import FromPath
from markupsafe import Markup, escape

from ..http import openapi
from ..http.etags import matches
from ..http.languages import language_for
from ..http.problems.catalogue import PROBLEMS
from ..http.routes import route
from ..kit import errors
from . import assets
from .rendering import render, templates

AnyRequest = Request[Any, Any, Any]
PUBLIC: Final = route(permission="public", page=True)
CACHE_CONTROL: Final = "public, max-age=60"
TYPES: Final = {
    "integer": "whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "list",
    "null": "null",
}
MAX_DEPTH: Final = 4
FORMATS: Final = {
    "date-time": "date and time",
    "date": "date",
    "uuid": "UUID",
    "time-zone": "time zone",
    "currency": "currency",
}

LIMITS: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)
"""Pairs of schema keywords, with the unit of their values."""


class Member(NamedTuple):
    """A member of a body, or a parameter, such as `policy.horizonDays` or `items[].name`."""

    name: str
    type: str
    required: bool
    description: str


def _code(text: str) -> Markup:
    """Return the text with backquoted `names` marked up as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  escaped first


def _paragraphs(text: str) -> Markup:
    return Markup("\n").join(
        Markup("<p>{}</p>").format(_code(paragraph)) for paragraph in text.split("\n\n") if paragraph
    )


def _path(path: str) -> Markup:
    """Return a path that can wrap after each slash."""
    return escape(path).replace("/", Markup("/<wbr>"))


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _slug(tag: str) -> str:
    return tag.lower().replace(" ", "-")


templates.filters |= {"code": _code, "paragraphs": _paragraphs, "path": _path, "pretty": _pretty, "slug": _slug}


@lru_cache(1)
def _text(app: Litestar) -> str:
    return openapi.text(app)


@lru_cache(1)
def _document(app: Litestar) -> "Document":
    return Document(openapi.document(app))


class Document:
    """The OpenAPI document, arranged for the pages."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self.plain: Final = plain
        self.about: Final[str] = plain["info"]["description"]
        self.headers: Final = [self._parameter(parameter) for parameter in plain["components"]["parameters"].values()]
        self.tags: Final = [
            (tag["name"], tag.get("description", ""), list(self._operations(tag["name"]))) for tag in plain["tags"]
        ]

    def _operations(self, tag: str) -> Iterator[dict[str, Any]]:
        for path, item in self.plain["paths"].items():
            for method, operation in item.items():
                if operation["tags"] == [tag]:
                    responses = {
                        status: self._response(self.resolve(response))
                        for status, response in operation["responses"].items()
                    }
                    parameters = [self.resolve(parameter) for parameter in operation["parameters"]]
                    optional = {"description": "", "requestBody": None}
                    yield {
                        **optional,
                        **operation,
                        "path": path,
                        "method": method.upper(),
                        "responses": responses,
                        "parameters": parameters,
                    }

    def _response(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "content": {},
            **response,
            "headers": {name: self.resolve(header) for name, header in response["headers"].items()},
        }

    def operations_with(self, problem: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the operations that can respond with the problem, each with its tag."""
        return [
            (tag, operation)
            for tag, _, operations in self.tags
            for operation in operations
            if any(
                problem in content.get("examples", ())
                for response in operation["responses"].values()
                for content in response["content"].values()
            )
        ]

    def parameters(self, operation: dict[str, Any], place: str) -> list[Member]:
        """Return the operation's parameters in the given place: `path`, `query` or `header`."""
        return [self._parameter(parameter) for parameter in operation["parameters"] if parameter["in"] == place]

    def _parameter(self, parameter: dict[str, Any]) -> Member:
        return Member(
            parameter["name"],
            self.type_of(parameter["schema"]),
            parameter.get("required", False),
            parameter.get("description", ""),
        )

    def resolve(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return the item or, if it is a reference, what it refers to."""
        if "$ref" not in item:
            return item
        _, _, kind, name = item["$ref"].split("/")
        return self.plain["components"][kind][name]

    def members(self, schema: dict[str, Any], before: str = "") -> Iterator[Member]:
        """Yield the members of an object and of its nested objects."""
        schema = self._non_null(schema)
        if schema.get("type") == "array":
            yield from self.members(schema["items"], f"{before}[]")
        for name, member in schema.get("properties", {}).items():
            path = f"{before}.{name}".removeprefix(".")
            yield Member(path, self.type_of(member), name in schema.get("required", ()), member.get("description", ""))
            if before.count(".") + before.count("[]") < MAX_DEPTH:
                yield from self.members(member, path)

    def _non_null(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema without its null alternative."""
        options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
        return self.resolve(options[0] if options else schema)

    def type_of(self, schema: dict[str, Any]) -> str:
        """Describe a type in words: “text, 1 to 200 characters, or null”."""
        inner = self._non_null(schema)
        nullable = any(option.get("type") == "null" for option in schema.get("anyOf", ()))
        if "enum" in inner:
            words = " or ".join(
                f"“{value}”" if isinstance(value, str) else str(value).lower() for value in inner["enum"]
            )
        elif inner.get("type") == "array":
            words = f"list of: {self.type_of(inner['items'])}"
        else:
            words = FORMATS.get(inner.get("format", "")) or TYPES.get(inner.get("type", ""), "object")
        return words + _limits(inner) + _default(schema) + (", or null" if nullable else "")


def _limits(schema: dict[str, Any]) -> str:
    words = ""
    for minimum, maximum, unit in LIMITS:
        match schema.get(minimum), schema.get(maximum):
            case None, None:
                pass
            case low, None:
                words += f", at least {low:,}{unit}"
            case None, high:
                words += f", at most {high:,}{unit}"
            case low, high:
                words += f", {low:,} to {high:,}{unit}"
    return words


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    if default is None or isinstance(default, dict):
        return ""
    return f", default {str(default).lower() if isinstance(default, bool) else default}"


@get("/api/openapi.json", operation_id="showDocument", opt=PUBLIC, include_in_schema=False)
async def document(request: AnyRequest) -> Response[str]:
    text = _text(request.app)
    tag = f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": CACHE_CONTROL}
    if matches(request.headers.get("if-none-match"), tag, weakly=True):
        return Response("", status_code=304, headers=headers)
    return Response(text, media_type=MediaType.JSON, headers=headers)


@get("/api/docs", operation_id="showOverview", opt=PUBLIC, include_in_schema=False)
async def overview(request: AnyRequest) -> Response[str]:
    return render(
        request,
        "docs/overview.html",
        styles="docs.css",
        cache_control=CACHE_CONTROL,
        language="en",
        document=_document(request.app),
        selected=None,
    )


@get("/api/docs/{tag:str}", operation_id="showOperations", opt=PUBLIC, include_in_schema=False)
async def operations(request: AnyRequest, tag: FromPath[str]) -> Response[str]:
    api = _document(request.app)
    for section in api.tags:
        if _slug(section[0]) == tag:
            return render(
                request,
                "docs/operations.html",
                styles="docs.css",
                cache_control=CACHE_CONTROL,
                language="en",
                document=api,
                selected=section,
            )
    raise errors.NotFound


@get("/problems", operation_id="showProblems", opt=PUBLIC, include_in_schema=False)
async def problems(request: AnyRequest) -> Response[str]:
    return render(request, "docs/problems.html", styles="docs.css", cache_control=CACHE_CONTROL, problems=PROBLEMS)


@get("/problems/{name:str}", operation_id="showProblem", opt=PUBLIC, include_in_schema=False)
async def problem(request: AnyRequest, name: FromPath[str]) -> Response[str]:
    if name not in PROBLEMS:
        raise errors.NotFound
    example = openapi.example_of(name, language_for(request), "/api/…")
    return render(
        request,
        "docs/problem.html",
        styles="docs.css",
        cache_control=CACHE_CONTROL,
        name=name,
        problem=PROBLEMS[name],
        example=example,
        operations=_document(request.app).operations_with(name),
    )


PAGES: Final = [
    document,
    overview,
    operations,
    problems,
    problem,
    assets.asset,
]
