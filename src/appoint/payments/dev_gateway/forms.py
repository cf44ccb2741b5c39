"""Forms, as clients of the provider's API send them, and the errors that they get in return."""

from collections.abc import Mapping
from typing import Any, Final, cast

Json = dict[str, Any]
MAX_AMOUNT: Final = 10**12 - 1


class ApiError(Exception):
    """A request that the provider's API refuses."""

    def __init__(self, status: int, message: str, *, code: str = "", param: str = "", **more: Any) -> None:
        super().__init__(message)
        self.status: Final = status
        kind = "card_error" if status == 402 else "invalid_request_error"
        members = {"type": more.pop("type", kind), "message": message, "code": code, "param": param, **more}
        self.content: Final[Json] = {"error": {name: value for name, value in members.items() if value}}


def number(form: Mapping[str, Any], name: str, *, min: int = 1, max: int = MAX_AMOUNT) -> int:
    """Return a member that must be a whole number."""
    text = form.get(name)
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or not min <= int(text) <= max:
        raise ApiError(400, f"Invalid integer: {name}", code="parameter_invalid_integer", param=name)
    return int(text)


def text(form: Mapping[str, Any], name: str) -> str:
    """Return a member that must be present."""
    value = form.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    return value


def members(form: Mapping[str, Any], name: str) -> Json:
    """Return a member that contains others; empty if it is missing."""
    value = form.get(name, {})
    if not isinstance(value, dict):
        raise ApiError(400, f"Invalid object: {name}", code="parameter_invalid", param=name)
    return value  # pyright: ignore[reportUnknownVariableType]


def nest(pairs: list[tuple[str, str]]) -> Json:
    """Return a form's fields as nested members: `a[b][0]=c` becomes `{"a": {"b": {"0": "c"}}}`."""
    nested: Json = {}
    for name, value in pairs:
        first, *rest = name.replace("]", "").split("[")
        target, last = nested, first
        for part in rest:
            inner: Any = target.setdefault(last, {})
            if not isinstance(inner, dict):
                raise ApiError(400, f"Invalid parameter: {name}", code="parameter_invalid", param=name)
            target, last = cast("Json", inner), part
        target[last] = value
    return nested
