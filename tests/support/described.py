"""All operations, with the examples from the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

from appoint.http import openapi
from appoint.http.openapi import Operation
from appoint.http.routes import route_of
from appoint.kit.actors import Role
from appoint.kit.permissions import PERMISSIONS
from appoint.server import app as application
from support.app import TOKEN, settings

APP = application.create(settings(), database_url="", admin_token=TOKEN)
OPERATIONS = list(openapi.operations(APP))
ADMINISTRATORS = [
    operation
    for operation in OPERATIONS
    if Role.ADMINISTRATOR in PERMISSIONS[route_of(operation.handler).permission].reach
]
"""The operations that the administrator can call. The others concern a user's own account."""
DOCUMENT = openapi.document(APP)


def address(operation: Operation, **values: str) -> str:
    """Return the operation's path, with examples for parameters that are not given."""
    parameters = DOCUMENT["paths"][operation.path][operation.method]["parameters"]
    return operation.path.format_map(
        {parameter["name"]: parameter["example"] for parameter in parameters if parameter.get("in") == "path"} | values
    )


def example(operation: Operation) -> Any:
    """Return a body for the operation, or None if it has none."""
    return (
        DOCUMENT["paths"][operation.path][operation.method]
        .get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("example")
    )


def described_operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the path, method and description of every operation in an OpenAPI document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolve(document: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """Return the item itself, or the component that it refers to."""
    if "$ref" not in item:
        return item
    _, _, kind, name = item["$ref"].split("/")
    return document["components"][kind][name]
