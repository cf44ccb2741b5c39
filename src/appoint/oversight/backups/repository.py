"""SQL for backups. It runs on the backup login's connections, whose only right is to replicate."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg

from ...database.connector import LOST, connect_to_any
from .model import SLOT_PREFIX, BackupError, Slot, parse_lsn

CONNECT_SECONDS: Final = 10


class Position(NamedTuple):
    now: datetime
    timeline: str
    """Changes when a standby is promoted or a backup restored, because the WAL then takes another course."""
    end: int
    """The end of the WAL, in bytes."""
    segment_bytes: int
    limit: str
    """How much WAL the server keeps for a slot; -1 if there is no limit."""


@asynccontextmanager
async def connection_to(url: str) -> AsyncGenerator[Any]:
    """Connect to the server or, if the URL names several, to the one that it asks for. Raise `BackupError` if that is
    not possible or the connection is lost, if the server is a standby, or if the login cannot replicate."""
    try:
        connection = await connect_to_any(url, timeout=CONNECT_SECONDS)
        try:
            await _check(connection)
            yield connection
        finally:
            connection.terminate()
    except (*LOST, ValueError, asyncpg.PostgresError) as error:
        raise BackupError(f"The server in APPOINT_BACKUP_DATABASE_URL cannot be reached: {error}") from error


async def _check(connection: Any) -> None:
    row = await connection.fetchrow(
        """
        select rolname, rolreplication or rolsuper as can_replicate, pg_is_in_recovery() as is_standby
          from pg_roles
         where rolname = current_user
        """
    )
    if not row["can_replicate"]:
        raise BackupError(
            f"The login {row['rolname']} cannot make backups. As a superuser, run: "
            f'alter role "{row["rolname"]}" replication'
        )
    if row["is_standby"]:
        raise BackupError(
            "The server in APPOINT_BACKUP_DATABASE_URL is a standby. Name all servers, and add "
            "?target_session_attrs=read-write, so that the primary is found."
        )


async def read_position(connection: Any) -> Position:
    row = await connection.fetchrow(
        """
        select clock_timestamp() as now, lower(left(pg_walfile_name(pg_current_wal_lsn()), 8)) as timeline,
               pg_current_wal_lsn()::text as wal_end,
               pg_size_bytes(current_setting('wal_segment_size')) as segment_bytes,
               current_setting('max_slot_wal_keep_size') as size_limit
        """
    )
    return Position(row["now"], row["timeline"], parse_lsn(row["wal_end"]), row["segment_bytes"], row["size_limit"])


async def find_slots(connection: Any) -> list[Slot]:
    """Return the server's slots for backups. More than one remain if the server was the primary before, on an earlier
    timeline."""
    rows = await connection.fetch(
        """
        select slot_name::text as name, active, restart_lsn::text as position, wal_status = 'lost' as lost,
               pg_size_bytes(current_setting('wal_segment_size')) as segment_bytes
          from pg_replication_slots
         where slot_type = 'physical' and starts_with(slot_name, $1)
        """,
        SLOT_PREFIX,
    )
    return [
        Slot(
            row["name"],
            None if row["lost"] or row["position"] is None else parse_lsn(row["position"]),
            row["active"],
            row["segment_bytes"],
        )
        for row in rows
    ]


async def lock(connection: Any) -> None:
    """Stop other processes from creating or replacing the slot while the connection is open."""
    await connection.execute("select pg_advisory_lock(hashtextextended('appoint backup slot', 0))")


async def create_slot(connection: Any, name: str) -> None:
    await connection.execute("select pg_create_physical_replication_slot($1, true)", name)


async def drop_slot(connection: Any, name: str) -> None:
    """Drop the slot, unless it is gone or in use again."""
    await connection.execute(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and not active",
        name,
    )


async def read_last_transaction(url: str) -> datetime | None:
    """Return when the last transaction that recovery repeated was committed, or None if there was none."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval("select pg_last_xact_replay_timestamp()")
    finally:
        await connection.close()
