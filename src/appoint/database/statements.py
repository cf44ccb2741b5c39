"""Statements and transactions, as repositories and use cases see them."""

from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from typing import Any, Final

from ..kit.key_ring import NO_KEYS, KeyRing
from .instrumentation import timed
from .rows import Row
from .sql import Query


class Statements:
    """Run statements, in a pool or in a transaction.

    A `Query` takes its parameters by name. A string takes them by position, and metrics and traces label it with the
    function that contains it.
    """

    keys: KeyRing
    """The keys for encrypted columns. Repositories encrypt what they write and decrypt what they read."""

    @property
    def current(self) -> "Statements":
        """The primary, for data that is cached until it changes. Only stale reads go anywhere else (`replicas.py`)."""
        return self

    @property
    def freshness(self) -> Hashable:
        """What distinguishes values that were computed from data of different ages."""
        return None

    def use_current(self) -> None:
        """Read from the primary from now on, because the data that has been read is too old."""

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    async def fetch(self, sql: str | Query, *args: Any, **values: Any) -> list[Row]:
        return await self.run("fetch", sql, args if isinstance(sql, str) else sql.arguments(values))

    async def fetchrow(self, sql: str | Query, *args: Any, **values: Any) -> Row | None:
        return await self.run("fetchrow", sql, args if isinstance(sql, str) else sql.arguments(values))

    async def fetchval(self, sql: str | Query, *args: Any, **values: Any) -> Any:
        return await self.run("fetchval", sql, args if isinstance(sql, str) else sql.arguments(values))

    async def execute(self, sql: str | Query, *args: Any, **values: Any) -> str:
        """Run a statement that returns no rows. Return PostgreSQL's command tag."""
        return await self.run("execute", sql, args if isinstance(sql, str) else sql.arguments(values))


class Transaction(Statements):
    def __init__(self, connection: Any, keys: KeyRing = NO_KEYS) -> None:
        self.connection: Final = connection
        self.keys = keys

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Run part of the transaction in such a way that it can fail without failing the rest."""
        await self.connection.execute("savepoint part")
        try:
            yield
        except BaseException:
            await self.connection.execute("rollback to savepoint part")
            raise
        await self.connection.execute("release savepoint part")

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        return await timed(self.connection, method, sql, args)
