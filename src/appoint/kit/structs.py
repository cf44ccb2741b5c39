"""Base structs for resources, request bodies and pages."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

import msgspec

from . import errors

T = TypeVar("T")
C = TypeVar("C", bound=msgspec.Struct)


class Resource(msgspec.Struct, kw_only=True, rename="camel"):
    """`version` increases with every change and is the ETag."""

    version: int
    created_at: datetime
    updated_at: datetime


class RequestBody(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A request body. Unknown members are rejected."""


class PageQuery(RequestBody):
    """The query parameters that every list accepts."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200, description="maximum number of items")] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=1000, description="`next` from the previous page")] | None = None


class Page(msgspec.Struct, Generic[T]):
    """Part of a list, and the cursor for the next part."""

    items: list[T]
    next: str | None


@cache
def list_members(type: type[msgspec.Struct]) -> frozenset[str]:
    """Return the encoded names of a struct's members that are lists."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(type) if _is_list(field.type))


def _is_list(type: Any) -> bool:
    return get_origin(type) is list or any(map(_is_list, get_args(type)))


def content_after(change: msgspec.Struct, current: msgspec.Struct, content_type: type[C]) -> C:
    """Return a resource's content after a change: the change itself if it replaces the content, or else the current
    content with the patch applied."""
    if isinstance(change, content_type):
        return change
    return merge(msgspec.convert(current, content_type, from_attributes=True), change)


def merge(current: C, patch: msgspec.Struct) -> C:
    """Apply a JSON merge patch (RFC 7396) to a struct: members that the patch leaves unset keep their value, and null
    removes a member, so that it takes its default. Raise `Invalid` for an invalid result."""
    changes: dict[str, Any] = {}
    for field in msgspec.structs.fields(current):
        value = getattr(patch, field.name, msgspec.UNSET)
        if value is not msgspec.UNSET:
            changes[field.name] = _merged(field, getattr(current, field.name), value)
    return msgspec.structs.replace(current, **changes)


def _merged(field: "msgspec.structs.FieldInfo", current: Any, value: Any) -> Any:
    options = get_args(field.type)
    if value is None and type(None) not in options:
        return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    if not isinstance(value, msgspec.Struct):
        return value
    try:
        if isinstance(current, msgspec.Struct):
            return merge(current, value)
        (struct,) = (option for option in options if isinstance(option, type(msgspec.Struct)))
        return _fill(struct, value)
    except errors.Invalid as error:
        raise errors.Invalid(*(fault.within(field.encode_name) for fault in error.faults)) from error


def _fill(struct: type[msgspec.Struct], patch: msgspec.Struct) -> msgspec.Struct:
    """Return a new struct with the patch's members, to replace a value that is null. Raise `Invalid` if any are
    missing.
    """
    fields = msgspec.structs.fields(struct)
    values = {field.name: getattr(patch, field.name, msgspec.UNSET) for field in fields}
    content = {name: value for name, value in values.items() if value is not msgspec.UNSET}
    if gaps := [field for field in fields if field.required and field.name not in content]:
        raise errors.Invalid(*(errors.Fault(f"#/{field.encode_name}", "is missing") for field in gaps))
    return struct(**content)
