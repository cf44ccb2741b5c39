"""Send cache invalidations between processes through the database: the transaction that makes a change runs `NOTIFY`,
and each server process listens on a connection of its own.

Only changes to cached data send notifications. Bookings never do, because `NOTIFY` takes a global lock at commit.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog

from ..kit import errors, tasks
from ..kit.cache import Listen
from .pool import Database, Statements

log = structlog.get_logger()

CHANNEL: Final = "appoint_changed"
PROBE: Final = "probe"
PING_SECONDS: Final = 0.5
TIMEOUT_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.5


class NotDelivered(Exception):
    """The connection listens but receives nothing, because a connection pooler in between doesn't preserve sessions."""


async def announce(tx: Statements, clinic_id: int, *, sender: str) -> None:
    """Once the transaction commits, tell all other processes that the clinic's cached data has changed."""
    await tx.execute("select pg_notify($1, $2)", CHANNEL, f"{clinic_id} {sender}")


class Invalidations:
    """Receives the invalidations that other processes send.

    `forget` drops a clinic's entries. `clear` drops all entries, for when messages may have been missed.
    """

    def __init__(self, db: Database, sender: str, *, forget: Callable[[int], None], clear: Callable[[], None]) -> None:
        self._db: Final = db
        self._sender: Final = sender
        self._forget: Final = forget
        self._clear: Final = clear
        self._probe: Final = f"{PROBE} {secrets.token_hex(8)}"
        self._delivers = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self._warned = False
        self.connected = False
        """Whether this process receives every invalidation from other processes."""

    async def start(self) -> None:
        """Start listening. Wait only briefly for the first connection, because the database may start later."""
        started = asyncio.Event()
        self._listener = asyncio.create_task(self._listen(started), name="cache-listener")
        with suppress(TimeoutError):
            await asyncio.wait_for(started.wait(), TIMEOUT_SECONDS)

    async def stop(self) -> None:
        if self._listener:
            await tasks.cancel(self._listener)

    async def send(self, clinic_id: int) -> None:
        """Do nothing: the transaction that changed the clinic has already announced the change."""

    async def _listen(self, started: asyncio.Event) -> None:
        while True:
            try:
                async with self._channel() as connection:
                    self._clear()
                    self.connected, self._warned = True, False
                    started.set()
                    await self._keep_alive(connection)
            except Exception as error:  # noqa: BLE001  if the listener ended, outdated entries would stay cached
                if not self._warned:
                    log.warning("cache invalidations not received; nothing is cached", error=type(error).__name__)
                self._warned = True
            self.connected = False
            started.set()
            self._clear()
            await asyncio.sleep(RETRY_SECONDS)

    @asynccontextmanager
    async def _channel(self) -> AsyncGenerator[Any]:
        """Yield a connection once a test message has reached it."""
        self._delivers.clear()
        async with self._db.session() as connection:
            try:
                await connection.add_listener(CHANNEL, self._receive)
                # from another connection, because a pooler delivers only what arrives during a statement
                await self._db.execute("select pg_notify($1, $2)", CHANNEL, self._probe)
                try:
                    async with asyncio.timeout(TIMEOUT_SECONDS):
                        await self._delivers.wait()
                except TimeoutError:
                    raise NotDelivered from None
                yield connection
            finally:
                if not connection.is_closed():
                    await connection.remove_listener(CHANNEL, self._receive)

    async def _keep_alive(self, connection: Any) -> None:
        """Never return. Raise an error when the connection fails or the database does not respond."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    await connection.execute("select 1")
            except TimeoutError:
                connection.terminate()
                raise errors.Unavailable from None

    def _receive(self, _connection: object, _pid: int, _channel: str, message: object) -> None:
        text = str(message)
        if text == self._probe:
            self._delivers.set()
            return
        clinic_id, _, sender = text.partition(" ")
        if clinic_id.isdecimal() and sender != self._sender:
            self._forget(int(clinic_id))


def listen_with(db: Database) -> Listen:
    """Return a function that receives invalidations over one of the database's connections."""
    return lambda sender, forget, clear: Invalidations(db, sender, forget=forget, clear=clear)
