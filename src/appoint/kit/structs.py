"""What every resource shows besides its own."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Resource(msgspec.Struct, kw_only=True, rename="camel"):
    """`version` counts up with every change and is the ETag."""

    version: int
    created_at: datetime
    updated_at: datetime


class RequestBody(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A request's body: no member is unknown, none is guessed."""


class PageQuery(RequestBody):
    """The query of every list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200, description="how many items at most")] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=1000, description="`next` of the page before")] | None = None


class Page(msgspec.Struct, Generic[T]):
    """Part of a list, and the cursor of the next part."""

    items: list[T]
    next: str | None


def merge(current: T, patch: msgspec.Struct) -> T:
    """JSON merge patch (RFC 7396) of structs: members that the patch leaves unset stay as they are."""
    changes: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(patch).items():
        if value is msgspec.UNSET or not hasattr(current, name):
            continue
        inside = isinstance(value, msgspec.Struct) and getattr(current, name) is not None
        changes[name] = merge(getattr(current, name), value) if inside else value
    return msgspec.structs.replace(current, **changes)  # pyright: ignore[reportArgumentType]  every caller gives structs
