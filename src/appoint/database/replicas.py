"""Read from replicas, whose data may be up to two seconds old.

Twice a second, each server process makes sure that the primary has a recent heartbeat, and reads it from each replica.
A replica that has replayed a heartbeat has everything that was committed before the primary wrote it, so the
heartbeat's age limits the data's age. Ages are differences between times of the primary's clock, so no other clock
matters. A process doesn't read from a replica whose age it doesn't know.

A cache that drops entries when their data changes must not load them from a replica: the message about the change can
arrive before the replica has replayed it, and the process would then cache the old data again, for minutes. So caches
load from `Statements.current`, which is the primary for every reader.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit
from zlib import crc32

import asyncpg
import structlog

from ..kit import errors, tasks
from ..kit.metrics import REPLICA_LAG, STALE_READS
from .pool import Database, Statements
from .sql import Query, load

log = structlog.get_logger()

T = TypeVar("T")
MAX_AGE_SECONDS: Final = 2.0
HEARTBEAT_SECONDS: Final = 0.5
SHORTEST_INTERVAL: Final = timedelta(seconds=0.4)
"""A little less than the time between two heartbeats of one process, so that it doesn't miss every other one."""
TIMEOUT_SECONDS: Final = 1.0
POSITION_SECONDS: Final = 1.0
"""How long a read waits for a replica to reach the position that its caller has asked for."""
POSITION_POLL_SECONDS: Final = 0.05
WRITE_HEARTBEAT: Final = load(__name__, "write_heartbeat")
READ_HEARTBEAT: Final = load(__name__, "read_heartbeat")
PRIMARY: Final = "primary"


class _Clock(NamedTuple):
    """The primary's time, and what this process's clock showed just before it was read."""

    now: datetime
    monotonic: float

    def age_of(self, written_at: datetime) -> float:
        return (self.now - written_at).total_seconds() + time.monotonic() - self.monotonic


class Replica:
    def __init__(self, name: str, db: Database) -> None:
        self.name: Final = name
        """The host and port, for logs and metrics."""
        self.db: Final = db
        self.written_at: datetime | None = None
        """The heartbeat that it has replayed. None if it does not respond, or belongs to another database."""
        self.position = 0
        """How far it has replayed the write-ahead log, in bytes."""
        self.fault = "it has not responded yet"

    def reject(self, fault: str) -> None:
        """Stop using the replica until it responds again. Reads that are under way fail, and go to the primary."""
        if self.written_at or self.fault != fault:
            log.warning("replica not used", replica=self.name, reason=fault)
        self.written_at, self.fault = None, fault
        self.db.terminate()


class Replicas:
    """The replicas of one primary, and how old their data is."""

    def __init__(self, primary: Database, replicas: Sequence[Replica] = ()) -> None:
        """`primary` is for heartbeats alone, so that they never wait for other statements."""
        self._primary: Final = primary
        self.replicas: Final = replicas
        self._clock: _Clock | None = None
        self._identity: tuple[int, str] | None = None

    def reader(self, current: Database, *, caller: str, at_least: int | None = None) -> Statements:
        """Return statements whose data may be up to two seconds old, with the same rights as `current`.

        `caller` distinguishes callers: as long as the same replicas are used, each caller reads from the same one, and
        doesn't see data get older. With `at_least`, data includes everything up to that position in the write-ahead
        log.
        """
        return StaleReader(current, self, caller, at_least) if self.replicas else current.read_only()

    def age(self, replica: Replica) -> float | None:
        """Return the greatest possible age of the replica's data in seconds, or None if it is unknown."""
        return self._clock.age_of(replica.written_at) if self._clock and replica.written_at else None

    def fault_of(self, replica: Replica) -> str | None:
        """Return why the replica is not used, or None if it is."""
        age = self.age(replica)
        if age is None:
            return replica.fault
        return f"its data is {age:.0f} s old" if age > MAX_AGE_SECONDS else None

    async def find(self, caller: str, at_least: int | None) -> Replica | None:
        """Return a replica whose data is recent enough. If none has reached the position, wait for a moment."""
        usable = [each for each in self.replicas if self.fault_of(each) is None]
        if not usable:
            return None
        replica = usable[crc32(caller.encode()) % len(usable)]
        if at_least is None or replica.position >= at_least or await self._reaches(replica, at_least):
            return replica
        return None

    async def _reaches(self, replica: Replica, at_least: int) -> bool:
        deadline = time.monotonic() + POSITION_SECONDS
        while time.monotonic() < deadline:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    row = await replica.db.fetchrow(READ_HEARTBEAT)
            except (errors.Unavailable, TimeoutError):
                return False
            if row and row.position and row.position >= at_least:
                return True
            await asyncio.sleep(POSITION_POLL_SECONDS)
        return False

    async def position(self) -> str | None:
        """Return the primary's current position in the write-ahead log, or None if it doesn't respond."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._primary.fetchval("select pg_current_wal_insert_lsn()::text")
        except (errors.Unavailable, TimeoutError):
            return None

    @asynccontextmanager
    async def following(self) -> AsyncGenerator[None]:
        """Track the replicas' ages. Wait for the first ones, so that reads go to the right server from the start."""
        if not self.replicas:
            yield
            return
        await self._beat()
        await asyncio.gather(*map(self._poll, self.replicas))
        watchers = [
            asyncio.create_task(_repeat(self._beat), name="heartbeat"),
            *(asyncio.create_task(_repeat(self._poll, each), name="replica") for each in self.replicas),
        ]
        try:
            yield
        finally:
            for each in watchers:
                await tasks.cancel(each)
            for each in self.replicas:
                await each.db.close()

    async def _beat(self) -> None:
        before = time.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                row = await self._primary.fetchrow(WRITE_HEARTBEAT, interval=SHORTEST_INTERVAL)
        except (errors.Unavailable, TimeoutError):
            return  # as long as there are no heartbeats, the replicas' ages grow
        assert row
        self._clock = _Clock(row.now, before)
        self._identity = (row.system_identifier, row.database)

    async def _poll(self, replica: Replica) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                row = await replica.db.fetchrow(READ_HEARTBEAT)
        except (errors.Unavailable, TimeoutError):
            replica.reject("it does not respond")
        except (asyncpg.PostgresError, ValueError) as error:
            replica.reject(f"it refuses: {type(error).__name__}")
        else:
            assert row
            if self._identity is None:
                replica.reject("the primary does not respond")
            elif (row.system_identifier, row.database) != self._identity:
                replica.reject("it is not a replica of this database")
            else:
                replica.written_at, replica.position = row.written_at, row.position or 0
        age = self.age(replica)
        REPLICA_LAG.labels(replica.name).set(float("inf") if age is None else age)


class StaleReader(Statements):
    """One request's reads. All of them go to the same replica, unless it fails."""

    def __init__(self, current: Database, replicas: Replicas, caller: str, at_least: int | None) -> None:
        self.keys = current.keys
        self._primary: Final = current
        self._replicas: Final = replicas
        self._caller: Final = caller
        self._at_least: Final = at_least
        self._replica: Replica | None = None
        self._has_chosen = False

    @property
    def current(self) -> Statements:
        return self._primary

    @property
    def freshness(self) -> Hashable:
        return ("stale", self._at_least)

    def use_current(self) -> None:
        self._replica, self._has_chosen = None, True

    async def run(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        return await self._read(lambda db: db.run(method, sql, args))

    async def _read(self, read: Callable[[Database], Awaitable[T]]) -> T:
        if not self._has_chosen:
            self._replica, self._has_chosen = await self._replicas.find(self._caller, self._at_least), True
        if replica := self._replica:
            try:
                result = await read(self._primary.on(replica.db))
            except errors.Unavailable:  # for example, because it has removed rows that the statement was still reading
                self._replica = None
            else:
                STALE_READS.labels(replica.name).inc()
                return result
        STALE_READS.labels(PRIMARY).inc()
        return await read(self._primary.read_only())


async def _repeat(work: Callable[..., Awaitable[None]], *args: Any) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await work(*args)


def parse_urls(text: str) -> list[str]:
    """Return the URLs in a comma-separated list. Raise `StartupError`, naming the position, for any that is not a
    PostgreSQL server's. The message leaves the URLs out, because they contain passwords."""
    urls = [url.strip() for url in text.split(",") if url.strip()]
    for number, url in enumerate(urls, 1):
        try:
            parts = urlsplit(url)
            is_valid = parts.scheme in ("postgresql", "postgres") and bool(parts.hostname or "host=" in parts.query)
            _ = parts.port
        except ValueError:
            is_valid = False
        if not is_valid:
            raise errors.StartupError(
                f"APPOINT_REPLICA_URLS is invalid: URL {number} of {len(urls)} is not like "
                "postgresql://user:password@host/database. Separate several with commas."
            )
    return urls


def place_of(url: str) -> str:
    """Return the host and port in a URL."""
    return urlsplit(url).netloc.rpartition("@")[2] or "this machine"
