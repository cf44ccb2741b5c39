"""Statements and transactions: the only door to PostgreSQL.

A lone statement runs by itself, without `BEGIN` and without a reset of the session afterwards: one round trip.
Deadlocks, serialisation failures and lock time-outs are tried again a few times with jitter, wherever they arise. A
database that is away is `errors.Unavailable`.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import asyncpg
import msgspec

from ..kit import errors
from ..kit.metrics import POOL_CONNECTIONS, POOL_WAIT
from .instrumentation import timed
from .sql import Query

P = ParamSpec("P")
T = TypeVar("T")

SERVER: Final = "appoint_server"
"""The database's role that requests are served as: it owns nothing, and of people it sees those of the clinic that a
transaction names."""
ACROSS: Final = "appoint_across"
"""The role of the statements that may look further than one clinic, and of the worker."""
SEALER: Final = "appoint_sealer"
"""The one role that may take entries of the audit out of the queue of those to seal."""
ATTEMPTS: Final = 5
RETRIED: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
)


class Row(asyncpg.Record):
    """A row whose columns are attributes, so that `msgspec.convert(row, T, from_attributes=True)` makes a struct of it."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def to(type: type[T], row: Row) -> T:
    """The row as a struct whose fields have the columns' names."""
    return msgspec.convert(row, type, from_attributes=True)


class Statements:
    """What both a pool and a transaction can do.

    A `Query` takes its parameters by name; a string takes them by position, and its name in metrics and traces is that
    of the function that holds it.
    """

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    async def fetch(self, sql: str | Query, *args: Any, **named: Any) -> list[Row]:
        return await self.run("fetch", sql, args if isinstance(sql, str) else sql.arguments(named))

    async def fetchrow(self, sql: str | Query, *args: Any, **named: Any) -> Row | None:
        return await self.run("fetchrow", sql, args if isinstance(sql, str) else sql.arguments(named))

    async def fetchval(self, sql: str | Query, *args: Any, **named: Any) -> Any:
        return await self.run("fetchval", sql, args if isinstance(sql, str) else sql.arguments(named))

    async def execute(self, sql: str | Query, *args: Any, **named: Any) -> str:
        """Run a statement that returns no rows; return PostgreSQL's command tag."""
        return await self.run("execute", sql, args if isinstance(sql, str) else sql.arguments(named))


class Transaction(Statements):
    def __init__(self, connection: Any) -> None:
        self.connection: Final = connection

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """A part of the transaction that can fail without the rest of it."""
        await self.connection.execute("savepoint part")
        try:
            yield
        except BaseException:
            await self.connection.execute("rollback to savepoint part")
            raise
        await self.connection.execute("release savepoint part")

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        return await timed(self.connection, method, sql, args)


class Database(Statements):
    """A few connections to one PostgreSQL, each opened when it is first needed.

    asyncpg's own pool makes a task of giving a connection back, which costs as much as a small statement does.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], *, size: int, wait_seconds: float) -> None:
        self._connect: Final = connect
        self._idle: Final[list[Any]] = []
        self._places: Final = asyncio.Semaphore(size)
        self.size: Final = size
        self.wait_seconds: Final = wait_seconds
        self.used = self.waiting = 0

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        return await _patiently(self._alone, method, sql, args)

    async def _alone(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        connection = await self._take()
        try:
            return await timed(connection, method, sql, args)
        finally:
            self._give_back(connection)

    async def atomic(
        self, use_case: Callable[Concatenate[Transaction, P], Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a use case in a transaction of its own. It may run more than once, so it touches nothing but the
        transaction."""
        return await _patiently(self.in_transaction, "begin", lambda tx: use_case(tx, *args, **kwargs))

    async def in_transaction(self, opening: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self.connection() as connection:
            await connection.execute(opening)
            try:
                done = await work(Transaction(connection))
            except BaseException:
                await connection.execute("rollback")
                raise
            await connection.execute("commit")
            return done

    def within(self, clinic_id: int) -> "Database":
        """The same for one clinic: of people the database shows the clinic's and no others', whatever a statement asks
        (row-level security).

        What a statement may see is said in the message that begins a transaction, so a transaction costs no round trip
        more; a lone statement costs two.
        """
        return Scoped(self, f"begin; set local appoint.clinic_id = {int(clinic_id)}")

    def across(self) -> "Database":
        """The same for the statements that may look further than one clinic."""
        return Scoped(self, f"begin; set local role {ACROSS}")

    def sealing(self) -> "Database":
        """The same for sealing the audit, and nothing else."""
        return Scoped(self, f"begin; set local role {SEALER}")

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Any]:
        """A connection of one's own for a while. Waits `wait_seconds` for one at most."""
        connection = await self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    async def _take(self) -> Any:
        before = time.perf_counter()
        self.waiting += 1
        try:
            if self._places.locked():
                async with asyncio.timeout(self.wait_seconds):
                    await self._places.acquire()
            else:
                await self._places.acquire()
        finally:
            self.waiting -= 1
        connection = self._idle.pop() if self._idle else None
        if connection is None or connection.is_closed():
            try:
                connection = await self._connect()
            except BaseException:
                self._places.release()
                raise
        self.used += 1
        POOL_WAIT.observe(time.perf_counter() - before)
        return connection

    def _give_back(self, connection: Any) -> None:
        if not connection.is_closed() and connection.is_in_transaction():  # whose end was cut off
            connection.terminate()
        self._idle.append(connection)
        self.used -= 1
        self._places.release()

    def measure(self) -> None:
        """Bring the gauges up to date."""
        POOL_CONNECTIONS.labels("idle").set(sum(not connection.is_closed() for connection in self._idle))
        POOL_CONNECTIONS.labels("used").set(self.used)
        POOL_CONNECTIONS.labels("waiting").set(self.waiting)

    async def close(self) -> None:
        """Waits for those in use."""
        for _ in range(self.size):
            await self._places.acquire()
        for connection in self._idle:
            await connection.close(timeout=self.wait_seconds)


class Scoped(Database):
    """A database whose every transaction begins by saying what it may see. Lone statements have one of their own."""

    def __init__(self, whole: Database, opening: str) -> None:
        self.whole: Final = whole
        self.opening: Final = opening

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        return await _patiently(self.whole.in_transaction, self.opening, lambda tx: tx.run(method, sql, args))

    async def atomic(
        self, use_case: Callable[Concatenate[Transaction, P], Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await _patiently(self.whole.in_transaction, self.opening, lambda tx: use_case(tx, *args, **kwargs))


async def _patiently(work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    for attempt in range(ATTEMPTS):
        try:
            return await work(*args, **kwargs)
        except RETRIED as error:
            if attempt == ATTEMPTS - 1:
                raise errors.Unavailable from error
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311  jitter keeps no secret
        except AWAY as error:
            raise errors.Unavailable from error
    raise AssertionError("unreachable")


def connect(url: str, *, size: int, wait_seconds: float, statement_seconds: float, role: str | None = None) -> Database:
    """A database whose every session has the same time-outs, and acts as the role; without one, as who it logs in as.
    Connects when first used, so that a server can start before its database."""
    milliseconds = str(int(statement_seconds * 1000))
    opened = partial(
        asyncpg.connect,
        url,
        record_class=Row,
        timeout=wait_seconds,  # pyright: ignore[reportArgumentType]  fractions of a second are fine
        command_timeout=statement_seconds + 5,
        statement_cache_size=400,
        max_cached_statement_lifetime=0,  # else each is prepared anew every five minutes, in round trips of its own
        server_settings={
            "application_name": "appoint",
            "timezone": "UTC",
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
            "jit": "off",
            "plan_cache_mode": "force_generic_plan",
            **({"role": role} if role else {}),
        },
    )
    return Database(opened, size=size, wait_seconds=wait_seconds)


def violates(error: asyncpg.PostgresError, constraint: str) -> bool:
    """Whether the error comes from the constraint; by prefix, since on a shard its number follows the name."""
    return str(cast("Any", error).constraint_name or "").startswith(constraint)


def sqlstate(error: asyncpg.PostgresError) -> str:
    return str(cast("Any", error).sqlstate)
