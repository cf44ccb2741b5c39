"""Who changed and saw what: written down with the change itself, and before anyone gets to see a look's answer."""

from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import litestar
from litestar import Response

from ..database.pool import Database, Statements, Transaction
from ..database.sql import Query
from ..kit import ids
from ..kit.actors import Actor
from ..kit.permissions import OPEN
from ..kit.structs import Page
from . import repository
from .request import clinic_of
from .responses import Look
from .routes import route_of
from .services import services_of

P = ParamSpec("P")
T = TypeVar("T")


class Recorded(Database):
    """A request's database: each transaction of its records who changed what."""

    def __init__(self, db: Database, request: litestar.Request[Actor, Any, Any]) -> None:
        self._db = db
        self._request = request

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        return await self._db.run(method, sql, args)

    async def atomic(
        self, use_case: Callable[Concatenate[Transaction, P], Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async def recorded(tx: Transaction) -> T:
            done = await use_case(tx, *args, **kwargs)
            if not tx.recorded:
                await record(tx, self._request, done[0] if isinstance(done, tuple) else done, why=tx.why)
            return done

        return await self._db.atomic(recorded)


async def record(
    db: Statements, request: litestar.Request[Actor, Any, Any], shown: Any, *, why: str | None = None
) -> None:
    """Write down who does what to what, and sees what, in this request."""
    found = shown.items if isinstance(shown, Page) else [shown]
    made = [getattr(each, "id", None) or getattr(each, "booking_id", None) for each in found]
    named = [value for name, value in request.path_params.items() if name != "clinic_id"]
    subjects = dict.fromkeys(str(id) for id in [*named, *made] if id is not None)
    clinic_id = clinic_of(request)
    if clinic_id is None:  # as the body said, or what was made says
        clinic_id = (
            request.scope["state"].get("clinic_id")
            or getattr(shown, "clinic_id", None)
            or (made[0] if made and isinstance(made[0], int) else ids.PLATFORM)
        )
    await repository.record(db, request.user, clinic_id=clinic_id, subjects=list(subjects), reason=why)


async def record_look(response: Response[Any]) -> Response[Any]:
    """After each answer: a look at what is not public is recorded before anyone gets to see it, a page of things as
    one."""
    if isinstance(response, Look):
        request = response.request
        if request.method == "GET" and route_of(request.route_handler).permission not in OPEN:
            await record(services_of(request).db, request, response.shown)
    return response
