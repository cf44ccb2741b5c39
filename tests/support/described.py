"""Every operation there is, with the examples of its description."""

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
"""Those that the administrator's token is good for; the others are about accounts that people have."""
DOCUMENT = openapi.document(APP)


def address(operation: Operation, **others: str) -> str:
    """The operation's path, with examples for the parameters that are not named."""
    parameters = DOCUMENT["paths"][operation.path][operation.method]["parameters"]
    return operation.path.format_map(
        {parameter["name"]: parameter["example"] for parameter in parameters if parameter.get("in") == "path"} | others
    )


def example(operation: Operation) -> Any:
    """A body for the operation; None where it has none."""
    return (
        DOCUMENT["paths"][operation.path][operation.method]
        .get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("example")
    )
