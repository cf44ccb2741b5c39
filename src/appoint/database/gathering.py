"""Let callers share statements: while one is under way, the rows for the next one gather."""

import asyncio
from collections.abc import Hashable
from contextvars import Context
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import structlog

from ..kit import errors
from .pool import Database
from .retries import RETRYABLE
from .rows import Row
from .sql import Query

log = structlog.get_logger()

MAX_ROWS: Final = 64
"""The most rows in one statement. If the connection is lost, this many callers do not know whether theirs was written.
"""


class _Waiting(NamedTuple):
    id: UUID
    key: Hashable
    row: tuple[Any, ...]
    result: asyncio.Future[Row | None]


class Gathering:
    """Sends callers' rows in one statement at a time. A row that arrives while no statement is under way goes out at
    once, so no caller waits for others to arrive.

    The statement has one parameter, an array of a composite type, and treats each row independently. Its result has an
    `id` column.
    """

    def __init__(self, db: Database, query: Query) -> None:
        (self._parameter,) = query.parameters
        self._db: Final = db
        self._query: Final = query
        self._waiting: list[_Waiting] = []
        self._sending: asyncio.Task[None] | None = None

    async def send(self, id: UUID, row: tuple[Any, ...], *, key: Hashable) -> Row | None:
        """Return the statement's result for a row, or None if there is none, because the statement left it out or
        failed. The caller then has to try it alone.

        Two rows with the same key never share a statement. Raise `Unavailable` if the database is unreachable.
        """
        result = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(id, key, row, result))
        if self._sending is None:  # in a context of its own, because it outlives the request that starts it
            self._sending = asyncio.create_task(self._send_all(), context=Context())
        return await result

    async def _send_all(self) -> None:
        try:
            while batch := self._next_batch():
                await self._send_batch(batch)
        finally:
            self._sending = None

    def _next_batch(self) -> list[_Waiting]:
        """Return the rows for the next statement, leaving out those whose callers have given up."""
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        keys = set[Hashable]()
        for waiting in self._waiting:
            if waiting.result.done():
                continue
            if len(batch) == MAX_ROWS or waiting.key in keys:
                later.append(waiting)
            else:
                keys.add(waiting.key)
                batch.append(waiting)
        self._waiting = later
        return batch

    async def _send_batch(self, batch: list[_Waiting]) -> None:
        unavailable: errors.Unavailable | None = None
        rows_by_id: dict[UUID, Row] = {}
        try:
            rows = await self._db.fetch_once(self._query, **{self._parameter: [waiting.row for waiting in batch]})
            rows_by_id = {row["id"]: row for row in rows}
        except errors.Unavailable as error:
            unavailable = error
        except (*RETRYABLE, asyncpg.LockNotAvailableError, asyncpg.IntegrityConstraintViolationError):
            pass
        except Exception:  # each caller tries its row alone, and sees what is wrong with it
            log.exception("gathered statement failed", statement=self._query.name)
        except BaseException:  # the process is stopping
            for waiting in [*batch, *self._waiting]:
                waiting.result.cancel()
            raise
        for waiting in batch:
            if waiting.result.done():
                continue
            if unavailable:
                waiting.result.set_exception(errors.Unavailable())
            else:
                waiting.result.set_result(rows_by_id.get(waiting.id))


def gathering(db: Database, query: Query) -> Gathering:
    """Return the database's gathering for a statement."""
    existing = db.gatherings.get(query.name)
    if isinstance(existing, Gathering):
        return existing
    new = db.gatherings[query.name] = Gathering(db, query)
    return new
