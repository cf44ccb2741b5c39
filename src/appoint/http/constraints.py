"""Apply the constraints from `kit/fields.py` that msgspec does not support: checking values and cleaning them up."""

import types
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec

STRUCT: Final = type(msgspec.Struct)


def unwrap(type: Any) -> tuple[Any, list[Any]]:
    """Return the annotated type and its constraints."""
    if get_origin(type) is Annotated:
        inner, *metas = get_args(type)
        return inner, [meta for meta in metas if isinstance(meta, msgspec.Meta)]
    return type, []


def options(type: Any) -> tuple[Any, ...]:
    """Return the types in a union."""
    return get_args(type) if get_origin(type) in (Union, types.UnionType) else (type,)


def passes(type: Any, value: Any) -> bool:
    """Return whether the value and its parts pass all checks."""
    return (checks := _checks(type)) is None or checks(value)


@cache
def _checks(type: Any) -> Callable[[Any], bool] | None:
    """Return a predicate that applies all of the type's checks, or None if it has none."""
    type, metas = unwrap(type)
    extras: list[dict[str, Any]] = [meta.extra or {} for meta in metas]
    own = [extra["check"] for extra in extras if extra.get("check")]
    if own:
        return lambda value: all(check(value) is None for check in own)
    if isinstance(type, STRUCT):
        members = [(field.name, checks) for field in msgspec.structs.fields(type) if (checks := _checks(field.type))]
        return (lambda value: all(checks(getattr(value, name)) for name, checks in members)) if members else None
    inner = [checks for part in get_args(type) if not isinstance(part, (str, int)) and (checks := _checks(part))]
    if not inner:
        return None
    (only,) = inner
    if get_origin(type) is list:
        return lambda value: all(map(only, value))
    if get_origin(type) is dict:
        return lambda value: all(map(only, value.values()))
    return lambda value: value is None or value is msgspec.UNSET or only(value)


def clean(type: Any, value: Any) -> None:
    """Clean up the parts of a struct whose types have a clean form."""
    if cleaner := _cleaner(type):
        cleaner(value)


@cache
def _cleaner(type: Any) -> Callable[[Any], Any] | None:
    """Return a function that cleans up a value, or None if the type has no clean form. The function changes structs in
    place."""
    type, metas = unwrap(type)
    extras: list[dict[str, Any]] = [meta.extra or {} for meta in metas]
    for extra in extras:
        if extra.get("clean"):
            return extra["clean"]
    if isinstance(type, STRUCT):
        members = [(field.name, form) for field in msgspec.structs.fields(type) if (form := _cleaner(field.type))]
        return (lambda value: _clean_members(value, members)) if members else None
    only = next(
        (form for part in get_args(type) if not isinstance(part, (str, int)) and (form := _cleaner(part))), None
    )
    if only is None:
        return None
    if get_origin(type) is list:
        return lambda value: [only(item) for item in value]
    return lambda value: value if value is None or value is msgspec.UNSET else only(value)


def _clean_members(value: Any, members: list[tuple[str, Callable[[Any], Any]]]) -> Any:
    for name, form in members:
        msgspec.structs.force_setattr(value, name, form(getattr(value, name)))
    return value
