"""Bringing a database to the schema of this version. Forward only: a mistake is mended by the next revision."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

OLDEST: Final = 18
LOCK: Final = 727_066  # any number, the same for all who migrate
CONFIG: Final = Config()
CONFIG.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
CONFIG.set_main_option("path_separator", "os")


class TooOld(Exception):
    def __init__(self, version: str) -> None:
        super().__init__(
            f"This database is PostgreSQL {version}. Appoint needs {OLDEST} or newer: temporal constraints, which keep two appointments from sharing a time, came with {OLDEST}."
        )


@cache
def newest() -> str:
    """The revision that this version of Appoint works with."""
    return str(ScriptDirectory.from_config(CONFIG).get_current_head())


async def upgrade(url: str) -> None:
    """Migrate the database; several processes may call this at once. Raises `TooOld`."""
    connection = await asyncpg.connect(url)
    try:
        if connection.get_server_version().major < OLDEST:
            raise TooOld(str(connection.get_server_version().major))
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url))
        try:
            async with engine.begin() as migrating:
                await migrating.run_sync(_upgrade)
        finally:
            await engine.dispose()
    finally:
        await connection.close()


def _upgrade(connection: Connection) -> None:
    CONFIG.attributes["connection"] = connection
    command.upgrade(CONFIG, "head")


async def revision(db: Any) -> str | None:
    """The revision that the database is at; None before the first."""
    if not await db.fetchval("select to_regclass('alembic_version') is not null"):
        return None
    return await db.fetchval("select version_num from alembic_version")
