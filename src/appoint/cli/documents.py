"""`appoint settings`, `openapi` and `access`: generated documents. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import json
from typing import Any, Final, cast

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ..settings import Settings
from .parameters import AsJson

INDENT: Final = (0, 0, 0, 4)


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
    console = Console(highlight=False, markup=False)
    for row in rows:
        console.print(Text(str(row["variable"]), style="bold"))
        console.print(Padding(Text(str(row["meaning"])), INDENT))
        console.print(Padding(Text(_values(row["value"], row["default"]), style="dim"), INDENT))


def _values(value: object, default: object) -> str:
    """Return a setting's value, and its default if it is different."""
    current, usual = ("(none)" if each in (None, "") else str(each) for each in (value, default))
    return f"default: {current}" if current == usual else f"value: {current} (default: {usual})"


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
