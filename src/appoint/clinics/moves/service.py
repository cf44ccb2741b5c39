"""Move a clinic: check both databases, copy, change its home, and remove what remains in the source.

Each step finds out by itself whether it has been done, so a command that was interrupted continues where it stopped.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from ...database.connector import LOST
from ...database.moves import checks, flip, replication
from ...database.moves.comparison import count_rows
from ...database.moves.connections import close, connect
from ...database.moves.model import Ends, Move, Moved, MoveFailed, Progress, SaveHome, Summary
from ...database.moves.people import copy_people, count_people
from ...database.moves.tables import clinic_tables
from ..cells.model import ClinicHome
from ..cells.repository import save_homes


async def preview(ends: Ends, clinic_id: int, cell: str) -> Summary:
    """Check whether the clinic can be moved, and return what would be copied. Change nothing."""
    async with _open(ends, clinic_id, cell) as move:
        await checks.check(move)
        tables = await clinic_tables(move.source)
        rows = await count_rows(move.source, clinic_id, tables)
        return Summary(rows, len(tables), await count_people(move.source, clinic_id))


async def move(ends: Ends, clinic_id: int, cell: str, *, now: datetime, progress: Progress) -> Moved:
    """Move the clinic, or continue a move that was interrupted. Raise `MoveFailed` if it stays where it is."""
    async with _open(ends, clinic_id, cell) as move:
        tables = await clinic_tables(move.source)
        if await _has_left(move):
            await flip.arrive(move, save_home=_home_of(move, now))
            moved = Moved(None, await count_rows(move.target, clinic_id, tables))
        else:
            await checks.check(move)
            progress("Waiting for running transactions to end", 0, len(tables))
            await replication.start(move, tables)
            await replication.wait_for_copy(move, tables, progress=progress)
            progress("Copying people", 0, 1)
            await copy_people(move)
            await replication.wait_until_applied(move)
            progress("Changing the clinic's home", 0, 1)
            moved = await flip.flip(move, tables, save_home=_home_of(move, now), now=now)
        progress("Removing the old rows", 0, 1)
        await _clean_up(move)
        return moved


async def cancel(ends: Ends, clinic_id: int, cell: str) -> None:
    """Stop a move before the clinic has left, and delete the copy. Raise `MoveFailed` if the clinic has left."""
    async with _open(ends, clinic_id, cell) as move:
        if await _has_left(move) or not await _is_here(move):
            raise MoveFailed(f"Clinic {clinic_id} has left this cell. To take it back, move it from {cell}.")
        if await checks.is_at_home(move.target, clinic_id):
            raise MoveFailed(f"{cell} also has clinic {clinic_id}. This is not a move that can be cancelled.")
        await replication.stop(move)
        await replication.purge(move.target, clinic_id, await clinic_tables(move.target))


def _home_of(move: Move, now: datetime) -> SaveHome:
    async def save(connection: Any, moves: int, slug: str | None) -> None:
        await save_homes(connection, [ClinicHome(move.clinic_id, move.cell_number, moves, slug)], now=now)

    return save


async def _clean_up(move: Move) -> None:
    await replication.stop(move)
    await replication.purge(move.source, move.clinic_id, await clinic_tables(move.source))
    await flip.finish(move)


async def _has_left(move: Move) -> bool:
    """Return whether an earlier run removed the clinic's row from the source. Raise `MoveFailed` if it moves elsewhere
    or is already in the target."""
    cell = await checks.find_unfinished(move.source, move.clinic_id)
    if cell is not None and cell != move.cell_number:
        raise MoveFailed(f"Clinic {move.clinic_id} is already moving to cell {cell}. Finish that move first.")
    if cell is None and not await _is_here(move) and await checks.is_at_home(move.target, move.clinic_id):
        raise MoveFailed(f"Clinic {move.clinic_id} is already at home in {move.cell}.")
    return cell is not None


async def _is_here(move: Move) -> bool:
    return await checks.is_at_home(move.source, move.clinic_id)


@asynccontextmanager
async def _open(ends: Ends, clinic_id: int, cell: str) -> AsyncGenerator[Move]:
    source = await connect(ends.source_url, which="source")
    try:
        target = await connect(ends.target_url, which="target")
        try:
            await checks.expect_alone(source, clinic_id)
            yield Move(clinic_id, source, target, cell, await checks.find_cell(source, target, cell), ends)
        except LOST as error:
            raise MoveFailed(
                f"The connection to a database was lost: {error or type(error).__name__}. Run the command again."
            ) from error
        finally:
            await close(target)
    finally:
        await close(source)
