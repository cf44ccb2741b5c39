"""Base structs for resources, request bodies and pages."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

import msgspec

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
    """Return a resource's content after a change: the change itself if it replaces the content, or the current content
    with a patch applied."""
    if isinstance(change, content_type):
        return change
    return merge(msgspec.convert(current, content_type, from_attributes=True), change)


def merge(current: C, patch: msgspec.Struct) -> C:
    """Apply a JSON merge patch (RFC 7396) to a struct: members that the patch leaves unset keep their value."""
    changes: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(patch).items():
        if value is msgspec.UNSET or not hasattr(current, name):
            continue
        nested = isinstance(value, msgspec.Struct) and getattr(current, name) is not None
        changes[name] = merge(getattr(current, name), value) if nested else value
    return msgspec.structs.replace(current, **changes)
