"""Replicate a clinic's rows from one database to another with PostgreSQL's own logical replication."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from .model import Move, MoveFailed, Progress

POLL_SECONDS: Final = 0.2
FAST_POLL_SECONDS: Final = 0.01
PURGE_BATCH_SIZE: Final = 10_000


async def start(move: Move, tables: Sequence[str]) -> None:
    """Start replicating the clinic's rows, or continue if it was interrupted.

    A copy that was never completed is discarded first.
    """
    if not await move.source.fetchval("select exists (select from pg_publication where pubname = $1)", move.name):
        places = ", ".join(f"{table} where (clinic_id = {move.clinic_id})" for table in tables)
        await move.source.execute(f"create publication {move.name} for table {places}")
    if await _is_subscribed(move):
        await resume(move)
        return
    await _drop_slot(move)
    await purge(move.target, move.clinic_id, tables)
    try:
        await move.target.execute(
            f"""
            create subscription {move.name} connection {_quoted(move.ends.publisher_url)} publication {move.name}
              with (disable_on_error = true, streaming = parallel)
            """
        )
    except asyncpg.PostgresError as error:
        raise MoveFailed(f"The target cannot replicate from the source: {error}") from error


async def wait_for_copy(move: Move, tables: Sequence[str], *, progress: Progress) -> None:
    """Wait until all tables have been copied and the target follows the changes."""
    while True:
        await expect_no_error(move)
        copied = await move.target.fetchval(
            """
            select count(*)
              from pg_subscription_rel r join pg_subscription s on s.oid = r.srsubid
             where s.subname = $1 and r.srsubstate = 'r'
            """,
            move.name,
        )
        progress("Copying", copied, len(tables))
        if copied >= len(tables):
            return
        await asyncio.sleep(POLL_SECONDS)


async def expect_no_error(move: Move) -> None:
    """Raise `MoveFailed` if replication has stopped."""
    if not await move.target.fetchval("select subenabled from pg_subscription where subname = $1", move.name):
        raise MoveFailed(
            f"Replication stopped because of an error, which the log of the target's PostgreSQL describes. Once it is "
            f"resolved, cancel the move with --cancel, then move the clinic again. (Subscription {move.name})"
        )


async def wait_until_applied(move: Move) -> None:
    """Wait until the target has stored everything that has been committed in the source so far."""
    position = await move.source.fetchval("select pg_logical_emit_message(false, 'appoint', '', true)")
    while not await move.source.fetchval(  # noqa: ASYNC110  another process changes it
        "select confirmed_flush_lsn >= $2::pg_lsn from pg_replication_slots where slot_name = $1", move.name, position
    ):
        await asyncio.sleep(FAST_POLL_SECONDS)


async def pause(move: Move) -> None:
    """Stop applying changes, so that late ones in the source cannot overwrite what the target has changed itself."""
    await move.target.execute(f"alter subscription {move.name} disable")


async def resume(move: Move) -> None:
    await move.target.execute(f"alter subscription {move.name} enable")


async def stop(move: Move) -> None:
    """Remove the subscription, its slot and the publication, whichever of them exist."""
    if await _is_subscribed(move):
        await move.target.execute(f"alter subscription {move.name} disable")
        await move.target.execute(f"alter subscription {move.name} set (slot_name = none)")
        await move.target.execute(f"drop subscription {move.name}")
    await _drop_slot(move)
    await move.source.execute(f"drop publication if exists {move.name}")


async def purge(connection: Any, clinic_id: int, tables: Sequence[str]) -> None:
    """Delete the clinic's rows from a database where it is not at home. Foreign keys are not checked, because all rows
    go."""
    if await connection.fetchval("select exists (select from clinic where id = $1)", clinic_id):
        raise MoveFailed(f"Clinic {clinic_id} is at home there, so its rows are not deleted.")
    for table in tables:
        while await connection.fetchval(
            f"select exists (select from {table} where clinic_id = $1)",  # noqa: S608 -- a name from the catalogue
            clinic_id,
        ):
            async with connection.transaction():
                await connection.execute("set local session_replication_role = replica")
                await connection.execute(
                    f"""
                    delete from {table}
                     where ctid = any(array(select ctid from {table} where clinic_id = $1 limit $2))
                    """,  # noqa: S608 -- a name from the catalogue
                    clinic_id,
                    PURGE_BATCH_SIZE,
                )


async def _is_subscribed(move: Move) -> bool:
    return await move.target.fetchval("select exists (select from pg_subscription where subname = $1)", move.name)


async def _drop_slot(move: Move) -> None:
    """Drop the clinic's slots in the source, once no process uses them."""
    while slots := await move.source.fetch(
        """
        select slot_name::text as name, active_pid
          from pg_replication_slots
         where database = current_database() and slot_name = $1
        """,
        move.name,
    ):
        for slot in slots:
            if slot["active_pid"] is None:
                await move.source.execute("select pg_drop_replication_slot($1)", slot["name"])
        await asyncio.sleep(FAST_POLL_SECONDS)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
