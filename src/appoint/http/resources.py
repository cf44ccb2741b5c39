"""What resource handlers have in common: pages of lists, and idempotent requests."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
from litestar import Response

from ..database.pool import Database, Transaction
from ..kit.structs import Page, PageQuery
from .idempotency.keys import idempotent
from .pagination import page_response
from .request import Request


class HasId(Protocol):
    @property
    def id(self) -> UUID: ...


R = TypeVar("R", bound=HasId)
T = TypeVar("T")


def by_id(resource: HasId) -> tuple[UUID]:
    """Return the sort key for a list ordered by id and therefore by creation time."""
    return (resource.id,)


def resource_page(
    request: Request,
    query: PageQuery,
    resources: Sequence[R],
    key: Callable[[R], Any] = by_id,
    *,
    parent: UUID | None = None,
) -> Response[Page[R]]:
    """Return a page of resources that are not public. Their ids are the subjects of the disclosure.

    `resources` contains one item more than the limit if there is a next page. `key` is the list's sort key, and
    `parent` is the resource that the items belong to, if the address names one.
    """
    return page_response(request, query, resources, key, subject=lambda resource: resource.id, parent=parent)


async def idempotent_resource(
    request: Request,
    data: Any,
    make: Callable[[Transaction], Awaitable[R]],
    get: Callable[[Transaction, UUID], Awaitable[R]],
    *,
    clinic_id: int | None = None,
    db: Database | None = None,
) -> tuple[R, bool]:
    """Create or change a resource, at most once per `Idempotency-Key`. Return it and whether the request is a replay.

    A replay returns the resource in its current state, as loaded by `get`. After the transaction, the cache drops the
    given clinic's entries.
    """
    return await idempotent(
        request,
        data,
        make,
        remember=lambda resource: resource.id,
        recall=lambda tx, stored_id: get(tx, UUID(stored_id)),
        clinic_id=clinic_id,
        db=db,
    )


async def idempotent_result(
    request: Request,
    data: Any,
    make: Callable[[Transaction], Awaitable[T]],
    type: type[T],
    *,
    db: Database | None = None,
) -> tuple[T, bool]:
    """Produce a result, at most once per `Idempotency-Key`. Return it and whether the request is a replay.

    A replay returns the stored result, so the result must not contain anything that can change or that must not be
    stored.
    """

    async def recall(_: Transaction, stored: Any) -> T:
        return msgspec.convert(stored, type)

    return await idempotent(request, data, make, remember=msgspec.to_builtins, recall=recall, db=db)
