"""Pages about the API, for people: what it is, every operation, every problem. And the OpenAPI document they are made
from."""

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
CACHED: Final = "public, max-age=60"
TYPES: Final = {
    "integer": "whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "list",
    "null": "null",
}
FORMATS: Final = {
    "date-time": "instant",
    "date": "date",
    "uuid": "UUID",
    "time-zone": "time zone",
    "currency": "currency",
}


class Line(NamedTuple):
    """One member of a body, or one parameter: `policy.horizonDays`, `items[].name`."""

    name: str
    type: str
    required: bool
    description: str


def _code(text: str) -> Markup:
    """Text with its `names` set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  escaped first


def _paragraphs(text: str) -> Markup:
    return Markup("\n").join(
        Markup("<p>{}</p>").format(_code(paragraph)) for paragraph in text.split("\n\n") if paragraph
    )


def _path(path: str) -> Markup:
    """A path that may break at its slashes."""
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
    """The OpenAPI document, as pages ask about it."""

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
                        status: self._response(self.resolved(response))
                        for status, response in operation["responses"].items()
                    }
                    parameters = [self.resolved(parameter) for parameter in operation["parameters"]]
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
            "headers": {name: self.resolved(header) for name, header in response["headers"].items()},
        }

    def that_answer(self, problem: str) -> list[tuple[str, dict[str, Any]]]:
        """The operations that can answer with the problem, each with its tag."""
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

    def parameters(self, operation: dict[str, Any], place: str) -> list[Line]:
        """The operation's parameters in the `path`, the `query` or the `header`s."""
        return [self._parameter(parameter) for parameter in operation["parameters"] if parameter["in"] == place]

    def _parameter(self, parameter: dict[str, Any]) -> Line:
        return Line(
            parameter["name"],
            self.type_of(parameter["schema"]),
            parameter.get("required", False),
            parameter.get("description", ""),
        )

    def resolved(self, item: dict[str, Any]) -> dict[str, Any]:
        """What stands behind a reference."""
        if "$ref" not in item:
            return item
        _, _, kind, name = item["$ref"].split("/")
        return self.plain["components"][kind][name]

    def lines(self, schema: dict[str, Any], before: str = "") -> Iterator[Line]:
        """The members of an object, and those of the objects inside."""
        schema = self._something(schema)
        if schema.get("type") == "array":
            yield from self.lines(schema["items"], f"{before}[]")
        for name, member in schema.get("properties", {}).items():
            at = f"{before}.{name}".removeprefix(".")
            yield Line(at, self.type_of(member), name in schema.get("required", ()), member.get("description", ""))
            if before.count(".") + before.count("[]") < 4:
                yield from self.lines(member, at)

    def _something(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema of what is there, when it may also be null."""
        options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
        return self.resolved(options[0] if options else schema)

    def type_of(self, schema: dict[str, Any]) -> str:
        """A type in words: “text, 1 to 200 characters, or null”."""
        inner = self._something(schema)
        nullable = any(option.get("type") == "null" for option in schema.get("anyOf", ()))
        if "enum" in inner:
            words = " or ".join(
                f"“{value}”" if isinstance(value, str) else str(value).lower() for value in inner["enum"]
            )
        elif inner.get("type") == "array":
            words = f"list of: {self.type_of(inner['items'])}"
        else:
            words = FORMATS.get(inner.get("format", "")) or TYPES.get(inner.get("type", ""), "object")
        for least, most, unit in (
            ("minimum", "maximum", ""),
            ("minLength", "maxLength", " characters"),
            ("minItems", "maxItems", " items"),
        ):
            match inner.get(least), inner.get(most):
                case None, None:
                    pass
                case low, None:
                    words += f", {low:,}{unit} at least"
                case None, high:
                    words += f", {high:,}{unit} at most"
                case low, high:
                    words += f", {low:,} to {high:,}{unit}"
        if schema.get("default") is not None and not isinstance(schema["default"], dict):
            words += f", default {str(schema['default']).lower() if isinstance(schema['default'], bool) else schema['default']}"
        return words + (", or null" if nullable else "")


@get("/api/openapi.json", operation_id="showDocument", opt=PUBLIC, include_in_schema=False)
async def document(request: AnyRequest) -> Response[str]:
    text = _text(request.app)
    tag = f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": CACHED}
    if matches(request.headers.get("if-none-match"), tag, weakly=True):
        return Response("", status_code=304, headers=headers)
    return Response(text, media_type=MediaType.JSON, headers=headers)


@get("/api/docs", operation_id="showOverview", opt=PUBLIC, include_in_schema=False)
async def overview(request: AnyRequest) -> Response[str]:
    return render(
        request,
        "docs/docs.html",
        styles="docs.css",
        cache_control=CACHED,
        language="en",
        document=_document(request.app),
        chosen=None,
    )


@get("/api/docs/{tag:str}", operation_id="showOperations", opt=PUBLIC, include_in_schema=False)
async def operations(request: AnyRequest, tag: FromPath[str]) -> Response[str]:
    described = _document(request.app)
    for chosen in described.tags:
        if _slug(chosen[0]) == tag:
            return render(
                request,
                "docs/operations.html",
                styles="docs.css",
                cache_control=CACHED,
                language="en",
                document=described,
                chosen=chosen,
            )
    raise errors.NotFound


@get("/problems", operation_id="showProblems", opt=PUBLIC, include_in_schema=False)
async def problems(request: AnyRequest) -> Response[str]:
    return render(request, "docs/problems.html", styles="docs.css", cache_control=CACHED, problems=PROBLEMS)


@get("/problems/{name:str}", operation_id="showProblem", opt=PUBLIC, include_in_schema=False)
async def problem(request: AnyRequest, name: FromPath[str]) -> Response[str]:
    if name not in PROBLEMS:
        raise errors.NotFound
    example = openapi.example_of(name, language_for(request), "/api/…")
    return render(
        request,
        "docs/problem.html",
        styles="docs.css",
        cache_control=CACHED,
        name=name,
        problem=PROBLEMS[name],
        example=example,
        operations=_document(request.app).that_answer(name),
    )


@get("/design", operation_id="showDesign", opt=PUBLIC, include_in_schema=False)
async def design(request: AnyRequest) -> Response[str]:
    return render(request, "dev/design.html", styles="docs.css", cache_control=CACHED, language="en")


PAGES: Final = [
    design,
    document,
    overview,
    operations,
    problems,
    problem,
    assets.asset,
]
