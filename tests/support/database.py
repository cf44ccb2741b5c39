"""Databases for tests: one embedded server per run, one migrated template, and copies of it."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from appoint.database import embedded, migrate
from appoint.database.pool import Database, connect
from appoint.database.shares import Shares
from appoint.kit.key_ring import KeyRing
from support.keys import KEYS

TEMPLATE = "appoint_template"
SERVER_FOLDER = "APPOINT_TESTS_DIR"


def url_of(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def name_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


async def as_superuser(url: str, *statements: str) -> None:
    """Run statements as the superuser. A database's owner cannot stop an autovacuum worker, so `drop database … with
    (force)` is not reliable for other roles.
    """
    parts = urlsplit(url)
    superuser = parts._replace(netloc=f"postgres@{parts.netloc.rpartition('@')[2]}", path="/postgres")
    connection = await asyncpg.connect(urlunsplit(superuser))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def server() -> Iterator[str]:
    """Run the server that all workers share, and yield the URL of its first database."""
    folder = Path(os.environ[SERVER_FOLDER])
    with embedded.running(folder, durable=False, say=lambda _: None) as running:
        with (folder / ".template").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            if not lock.read():
                asyncio.run(create_template(running.url))
                lock.write("ready")
        yield running.url


async def create_template(url: str) -> None:
    """Create the template. Autovacuum is off, so statistics change only if a test runs `analyze`."""
    await as_superuser(
        url, "alter system set autovacuum = off", "select pg_reload_conf()", f"create database {TEMPLATE} owner appoint"
    )
    template = url_of(url, TEMPLATE)
    await migrate.upgrade(template)
    await execute(template, (Path(__file__).parent / "reset.sql").read_text())


async def copy_template(url: str, name: str, template: str = TEMPLATE) -> str:
    """Create a migrated database on the server and return its URL."""
    await as_superuser(
        url,
        f"drop database if exists {name} with (force)",
        f"create database {name} template {template} owner appoint",
    )
    return url_of(url, name)


async def execute(url: str, statement: str) -> None:
    """Run a statement as the database's owner."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def create_empty(url: str, name: str) -> str:
    """Create a database without a schema and return its URL."""
    await as_superuser(url, f"drop database if exists {name} with (force)", f"create database {name} owner appoint")
    return url_of(url, name)


async def drop(url: str) -> None:
    await as_superuser(url, f"drop database if exists {name_of(url)} with (force)")


@contextmanager
def temporary(url: str, name: str, *, migrated: bool = True, template: str = TEMPLATE) -> Iterator[str]:
    """Yield the URL of a database on the same server that exists only within the block."""
    temporary_url = asyncio.run(copy_template(url, name, template) if migrated else create_empty(url, name))
    try:
        yield temporary_url
    finally:
        asyncio.run(drop(temporary_url))


async def reset(db: Database) -> None:
    """Delete all rows and restart all sequences, in one round trip."""
    await db.execute("select testing.reset()")


async def wait_for_lock(db: Database) -> None:
    """Wait until a statement in this database is waiting for a lock."""
    async with asyncio.timeout(10):
        while not await db.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.01)


class SharedPool(Database):
    """A pool that several applications use in turn. `close` waits for borrowed connections, but keeps them open."""

    async def close(self) -> None:
        for _ in range(self.size):
            await self._places.acquire()
        for _ in range(self.size):
            self._places.release()

    @asynccontextmanager
    async def widened(self, size: int) -> AsyncGenerator[None]:
        """Allow more connections, for tests of races. One clinic can use all of them."""
        shares, self.shares = self.shares, Shares(size * 2)
        for _ in range(size - self.size):
            self._places.release()
        yield
        self.shares = shares
        for _ in range(size - self.size):
            await self._places.acquire()
        while len(self._idle) > self.size:
            await self._idle.pop().close()

    async def disconnect(self) -> None:
        await super().close()


class Pools:
    """One worker's pools, one for each set of options."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.loop = asyncio.get_running_loop()
        self.pools: dict[tuple[Any, ...], SharedPool] = {}

    def connect(self, url: str, **options: Any) -> Database:
        """Return the shared pool for the worker's database. For any other database or event loop, return a new pool."""
        keys: KeyRing = options.pop("keys", KEYS)
        pool = connect(url, keys=keys, **options)
        if url != self.url or asyncio.get_running_loop() is not self.loop:
            return pool
        return self.pools.setdefault(
            (*sorted(options.items()), *keys.names),
            SharedPool(pool.connector.open, size=pool.size, wait_seconds=pool.wait_seconds, keys=keys),
        )

    async def disconnect(self) -> None:
        for pool in self.pools.values():
            await pool.disconnect()
