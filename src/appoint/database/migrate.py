"""Migrate a database to this version's schema. Migrations only go forward: mistakes are corrected by later ones."""

import asyncio
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self

import asyncpg

from ..kit.errors import StartupError

MIN_POSTGRES: Final = 18
LOCK: Final = 727_066  # an arbitrary number, the same for all processes that migrate
FOLDER: Final = Path(__file__).parent / "migrations"
BOOKKEEPING: Final = Path(__file__).with_name("bookkeeping.sql").read_text(encoding="utf-8")
MAX_ATTEMPTS = 5
LOCK_TIMEOUT = "3s"
PAUSE_SECONDS = 2.0


class TooOld(StartupError):
    def __init__(self, version: str) -> None:
        super().__init__(
            f"This database is PostgreSQL {version}. Appoint needs {MIN_POSTGRES} or newer: it relies on temporal "
            f"constraints, introduced in {MIN_POSTGRES}, to keep two appointments from sharing a time."
        )


class TooNew(StartupError):
    def __init__(self, revision: str) -> None:
        super().__init__(
            f"The database is at revision {revision}; this version of Appoint only knows revisions up to {newest()}. "
            "Use the version that migrated it, or a later one."
        )


class StillLocked(StartupError):
    def __init__(self, revision: str | None) -> None:
        super().__init__(
            f"The database is still at revision {revision}: despite {MAX_ATTEMPTS} attempts, other sessions did not "
            "release the tables that the next migration changes. End long transactions (pg_stat_activity lists them), "
            "then run `appoint migrate` again."
        )


class Migration(NamedTuple):
    revision: str
    name: str
    sql: str

    @classmethod
    def read(cls, path: Path) -> Self:
        revision, _, name = path.stem.partition("_")
        return cls(revision, name, path.read_text(encoding="utf-8"))


class Connection(Protocol):
    async def fetchval(self, query: str, /, *args: Any) -> Any: ...


@cache
def migrations() -> list[Migration]:
    """Return this version's migrations in order: the files `0001_name.sql` and so on."""
    return [Migration.read(path) for path in sorted(FOLDER.glob("*.sql"))]


def newest() -> str:
    """Return the revision that this version of Appoint works with."""
    return migrations()[-1].revision


async def revision(db: Connection) -> str | None:
    """Return the database's revision, or None before the first migration."""
    if not await db.fetchval("select to_regclass('schema_migration') is not null"):
        return None
    return await db.fetchval("select max(revision) from schema_migration")


async def upgrade(url: str) -> None:
    """Migrate the database, with each migration in its own transaction. Several processes can call this at once.

    Raise `TooOld` if PostgreSQL is too old, `TooNew` if the schema is from a later version, and `StillLocked` if other
    sessions do not release the tables in time. Requests that queue behind the migration can proceed between attempts.
    """
    connection = await asyncpg.connect(url)
    try:
        if connection.get_server_version().major < MIN_POSTGRES:
            raise TooOld(str(connection.get_server_version().major))
        attempts = 0
        while True:
            try:
                if not await _apply_next(connection):
                    return
                attempts = 0
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
                attempts += 1
                if attempts == MAX_ATTEMPTS:
                    raise StillLocked(await revision(connection)) from error
                await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await connection.close()


async def _apply_next(connection: Any) -> bool:
    """Apply the first pending migration. Return False if none is pending."""
    async with connection.transaction():
        # processes wait here for their turn to migrate
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        await connection.execute("select set_config('lock_timeout', $1, true)", LOCK_TIMEOUT)
        await connection.execute(BOOKKEEPING)
        at = await revision(connection) or ""
        if at > newest():
            raise TooNew(at)
        pending = next((migration for migration in migrations() if migration.revision > at), None)
        if pending:
            await connection.execute(pending.sql)
            await connection.execute(
                "insert into schema_migration (revision, name) values ($1, $2)", pending.revision, pending.name
            )
        return pending is not None
