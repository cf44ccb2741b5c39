"""The connection pool, statements and transactions. Nothing else talks to PostgreSQL.

A single statement costs one round trip: there is no `BEGIN`, and the session is not reset afterwards. Deadlocks and
serialisation failures are retried a few times with jitter, wherever they arise. If the database is unreachable or out
of space, or a lock is not released in time, `errors.Unavailable` is raised.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from ..kit.key_ring import NO_KEYS, KeyRing
from ..kit.metrics import POOL_CONNECTIONS, POOL_WAIT
from .connector import AWAY, Connector, opening, roll_back
from .instrumentation import timed
from .retries import once, with_retries
from .rows import Row, affected, to, violates  # noqa: F401  # pyright: ignore[reportUnusedImport]  imported from here
from .shares import Share, Shares
from .sql import Query
from .statements import Statements, Transaction

P = ParamSpec("P")
T = TypeVar("T")

SERVER: Final = "appoint_server"
"""The database role that serves requests. It does not own anything, and sees only the people of the clinic that the
transaction names."""
ACROSS: Final = "appoint_across"
"""The role for the worker, and for statements that may see more than one clinic."""
SEALER: Final = "appoint_sealer"
"""The only role that may remove audit entries from the queue for sealing."""


class Database(Statements):
    """A pool of connections to one PostgreSQL server. Each connection is opened when it is first needed.

    asyncpg's own pool starts a task to release a connection, which costs as much as a small statement.
    """

    gathers = False
    """Whether bookings may share statements, which commit on their own."""

    def __init__(
        self, connect: Callable[[], Awaitable[Any]], *, size: int, wait_seconds: float, keys: KeyRing = NO_KEYS
    ) -> None:
        self.connector: Final = Connector(connect)
        self.shares = Shares(size)
        self._idle: Final[list[Any]] = []
        self._lent: Final[dict[Any, Share]] = {}
        """The connections in use, each with the share that it counts for."""
        self._places: Final = asyncio.Semaphore(size)
        self.size: Final = size
        self.wait_seconds: Final = wait_seconds
        self.keys = keys
        self.waiting = 0
        self.gathers = True
        self.gatherings: Final[dict[str, object]] = {}  # see gathering.py

    @property
    def used(self) -> int:
        return len(self._lent)

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        return await with_retries(self._alone, method, sql, args)

    async def fetch_once(self, query: Query, **values: Any) -> list[Row]:
        """Run a statement without retrying it after a deadlock or a lock timeout."""
        return await once(self._alone, "fetch", query, query.arguments(values))

    async def _alone(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        connection = await self._take()
        try:
            return await timed(connection, method, sql, args)
        except AWAY:
            self._drop(connection)
            raise
        finally:
            self._give_back(connection)

    async def atomic(
        self, use_case: Callable[Concatenate[Transaction, P], Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a use case in a new transaction. It may run more than once, so it must not affect anything outside the
        transaction."""
        return await with_retries(self.in_transaction, "begin", lambda tx: use_case(tx, *args, **kwargs))

    async def in_transaction(self, opening: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self.connection() as connection:
            await connection.execute(opening)
            try:
                done = await work(Transaction(connection, self.keys))
            except BaseException:
                await roll_back(connection)
                raise
            await connection.execute("commit")
            return done

    def within(self, clinic_id: int) -> "Database":
        """Return this database restricted to one clinic: whatever a statement selects, it sees only that clinic's
        people (row-level security).

        The message that begins a transaction also sets the clinic, so a transaction does not cost an extra round trip.
        A single statement outside a transaction costs two round trips.
        """
        return Scoped(self, f"begin; set local appoint.clinic_id = {int(clinic_id)}")

    def across(self) -> "Database":
        """Return this database for statements that may see more than one clinic."""
        return Scoped(self, f"begin; set local role {ACROSS}")

    def read_only(self) -> "Database":
        """Return this database, made read-only where that costs no round trip."""
        return self

    def on(self, replica: "Database") -> "Database":
        """Return a replica with the same rights as this database."""
        return replica

    def reading(self) -> "Database":
        """Return this database for statements that may see more than one clinic, but cannot change anything."""
        return Scoped(self, f"begin read only; set local role {ACROSS}")

    def sealing(self) -> "Database":
        """Return this database for sealing the audit log, and for nothing else."""
        return Scoped(self, f"begin; set local role {SEALER}")

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Any]:
        """Lend out a connection. If none is free, wait for at most `wait_seconds`."""
        connection = await self._take()
        try:
            yield connection
        except AWAY:
            self._drop(connection)
            raise
        finally:
            self._give_back(connection)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Any]:
        """Lend out a connection for as long as the caller needs it, in addition to those that requests share."""
        connection = await self._idle_or_new()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    async def _idle_or_new(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self.connector.open()

    async def _take(self) -> Any:
        before = time.perf_counter()
        share = Share.of_request()
        self.waiting += 1
        try:
            has_to_wait = self._places.locked() or self.shares.is_full(share)
            async with asyncio.timeout(self.wait_seconds if has_to_wait else None):
                await self._take_place(share)
        finally:
            self.waiting -= 1
        try:
            connection = await self._idle_or_new()
        except BaseException:
            self._leave_place(share)
            raise
        self._lent[connection] = share
        POOL_WAIT.observe(time.perf_counter() - before)
        return connection

    async def _take_place(self, share: Share) -> None:
        await self.shares.acquire(share)
        try:
            await self._places.acquire()
        except BaseException:
            self.shares.release(share)
            raise

    def _leave_place(self, share: Share) -> None:
        self._places.release()
        self.shares.release(share)

    def _give_back(self, connection: Any) -> None:
        if not connection.is_closed() and connection.is_in_transaction():  # its commit or rollback was cancelled
            connection.terminate()
        self._idle.append(connection)
        self._leave_place(self._lent.pop(connection))

    def _drop(self, connection: Any) -> None:
        """Close a connection that has failed, and those that are idle. What ended one has usually ended all, and users
        should not have to find out about each of them in turn.
        """
        for each in (connection, *self._idle):
            each.terminate()
        self._idle.clear()

    def terminate(self) -> None:
        """Close all connections at once, including those in use: their statements fail. The next statement connects
        again.
        """
        for each in (*self._lent, *self._idle):
            each.terminate()
        self._idle.clear()

    def measure(self) -> None:
        """Update the gauges."""
        POOL_CONNECTIONS.labels("idle").set(sum(not connection.is_closed() for connection in self._idle))
        POOL_CONNECTIONS.labels("used").set(self.used)
        POOL_CONNECTIONS.labels("waiting").set(self.waiting)

    async def close(self) -> None:
        """Close all connections. Those that are still in use, or do not respond, have `wait_seconds` to finish."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.wait_seconds):
                for _ in range(self.size):
                    await self._places.acquire()
                await asyncio.gather(*(connection.close() for connection in self._idle), return_exceptions=True)
        for connection in (*self._lent, *self._idle):
            connection.terminate()


class Scoped(Database):
    """A database whose transactions all begin by setting what they may see. Each single statement gets its own
    transaction.
    """

    def __init__(self, whole: Database, opening: str) -> None:
        self.whole: Final = whole
        self.keys = whole.keys
        self.opening: Final = opening

    def read_only(self) -> Database:
        return self.on(self.whole)

    def on(self, replica: Database) -> Database:
        return Scoped(replica, self.opening.replace("begin;", "begin read only;", 1))

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        return await with_retries(self.whole.in_transaction, self.opening, lambda tx: tx.run(method, sql, args))

    async def atomic(
        self, use_case: Callable[Concatenate[Transaction, P], Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await with_retries(self.whole.in_transaction, self.opening, lambda tx: use_case(tx, *args, **kwargs))


def connect(
    url: str,
    *,
    size: int,
    wait_seconds: float,
    statement_seconds: float,
    lock_seconds: float | None = None,
    role: str | None = None,
    keys: KeyRing = NO_KEYS,
    prepares: bool = True,
) -> Database:
    """Return a database whose sessions have these timeouts and act as the role, or as the login if there is none.
    Without `lock_seconds`, statements can wait for locks for as long as they can run.

    It connects only when it is first used, so a server can start before its database.
    """
    dial = opening(
        url,
        role=role,
        wait_seconds=wait_seconds,
        statement_seconds=statement_seconds,
        lock_seconds=lock_seconds or statement_seconds,
        prepares=prepares,
    )
    return Database(dial, size=size, wait_seconds=wait_seconds, keys=keys)
