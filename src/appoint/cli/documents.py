"""`appoint settings`, `openapi` and `access`: generated documents. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import json
from typing import Any, cast

from rich.console import Console
from rich.table import Column, Table

from ..settings import Settings
from .parameters import AsJson


def settings(*, as_json: AsJson = False) -> None:
    """List all settings with their values, defaults and meanings. Secrets are masked.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    values = Settings()
    rows = [
        {
            "variable": f"APPOINT_{name.upper()}",
            "value": _plain(getattr(values, name)),
            "default": _plain(field.default),
            "meaning": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(Column("variable", no_wrap=True), "value", "default", "meaning")
    for row in rows:
        table.add_row(*(str(value or "") for value in row.values()))
    Console().print(table)


def _plain(value: object) -> Any:
    if isinstance(value, list):
        return ", ".join(map(str, cast("list[object]", value)))
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def openapi() -> None:
    """Print the OpenAPI document."""
    from ..http import openapi
    from ..server import app as application

    print(openapi.text(application.create(Settings(), database_url="", admin_token="")), end="")


def access() -> None:
    """Print the permissions for all operations, as in docs/access.md."""
    from ..http import openapi
    from ..http.routes import route_of
    from ..kit.permissions import document
    from ..server import app as application

    every = openapi.operations(application.create(Settings(), database_url="", admin_token=""))
    print(
        document(
            (str(each.handler.operation_id), each.method, each.path, route_of(each.handler).permission)
            for each in every
        ),
        end="",
    )
