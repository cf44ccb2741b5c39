"""Change a clinic's home: stop changes in the source, verify the copy, and let the target take over.

The source's transaction locks the clinic's row in `clinic`. Each change to a clinic writes an event or an audit entry
with a foreign key to that row. So each change either commits before the lock is granted, or waits for it. If the
transaction ends without a commit, for whatever reason, the waiting changes continue. If it commits, the row is gone and
they fail.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import asyncpg

from ..cache_invalidation import CHANNEL
from ..connector import LOST
from . import replication
from .comparison import compare
from .model import MAX_STOP_SECONDS, Move, Moved, MoveFailed, SaveHome
from .people import copy_people, copy_request_keys
from .tables import columns_of

TIMED_OUT: Final = "25P04"
"""PostgreSQL's code for a transaction that has exceeded its timeout."""
IN_FLIGHT_POLL_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 0.2
MAX_ATTEMPTS: Final = 50
QUEUES: Final = {
    "event": "true",
    "audit_unsealed": "true",
    "unsummed": "true",
    "notification": "status = 'queued' or status = 'leased' and leased_until <= now()",
    "webhook": "leased_until is null or leased_until <= now()",
    "call": "leased_until is null or leased_until <= now()",
    "recording": "leased_until is null or leased_until <= now()",
    "appointment_bill": "due_at is not null",
}
"""The rows from which workers take work. While they are locked, workers skip them."""
IN_FLIGHT: Final = """
select (select count(*) from notification where clinic_id = $1 and status = 'leased' and leased_until > now())
     + (select count(*) from call where clinic_id = $1 and leased_until > now())
     + (select count(*) from recording where clinic_id = $1 and leased_until > now())
"""


class _Busy(Exception):
    """Another transaction has locked rows that the clinic's workers take work from."""


async def flip(move: Move, tables: Sequence[str], *, save_home: SaveHome, now: datetime) -> Moved:
    """Stop changes, verify that the target has everything, and make the target the clinic's home.

    If a worker is in the middle of the clinic's work, let it finish and try again. Raise `MoveFailed` if stopping takes
    longer than `MAX_STOP_SECONDS`, or if the target has different rows. The clinic is then still at home in the source.
    """
    for _ in range(MAX_ATTEMPTS):
        began = time.perf_counter()
        try:
            rows = await _try_to_leave(move, tables, save_home=save_home, now=now)
        except _Busy:
            await asyncio.sleep(RETRY_SECONDS)
            continue
        await arrive(move, save_home=save_home)
        return Moved(time.perf_counter() - began, rows)
    raise MoveFailed("The clinic's workers are too busy, so it stays where it is. Run the command again later.")


async def _try_to_leave(move: Move, tables: Sequence[str], *, save_home: SaveHome, now: datetime) -> int:
    transaction = move.source.transaction()
    await transaction.start()
    try:
        async with asyncio.timeout(MAX_STOP_SECONDS):
            rows = await _leave(move, tables, save_home=save_home, now=now)
    except (TimeoutError, asyncpg.PostgresError) as error:
        await _roll_back(move, transaction)
        if not isinstance(error, TimeoutError | asyncpg.LockNotAvailableError) and error.sqlstate != TIMED_OUT:
            raise
        raise MoveFailed(
            f"The clinic could not be moved within {MAX_STOP_SECONDS:g} seconds, so it stays where it is. "
            "Run the command again at a quieter time."
        ) from error
    except BaseException:
        await _roll_back(move, transaction)
        raise
    await transaction.commit()
    return rows


async def _leave(move: Move, tables: Sequence[str], *, save_home: SaveHome, now: datetime) -> int:
    """Remove the clinic's row from the source once the target has everything else. Return how many rows the clinic has
    there."""
    source, clinic_id = move.source, move.clinic_id
    milliseconds = int(MAX_STOP_SECONDS * 1000)
    await source.execute(f"set local transaction_timeout = {milliseconds}; set local lock_timeout = {milliseconds}")
    slug = await source.fetchval("select slug from clinic where id = $1 for update", clinic_id)
    await _lock_work(source, clinic_id)
    while await source.fetchval(IN_FLIGHT, clinic_id):  # noqa: ASYNC110  another process changes it
        await asyncio.sleep(IN_FLIGHT_POLL_SECONDS)
    await replication.wait_until_applied(move)
    await copy_people(move)
    await copy_request_keys(move)
    rows, differences = await compare(move, tables)
    if differences:
        raise MoveFailed(f"The target's copy differs, so the clinic stays where it is: {', '.join(differences)}.")
    await replication.pause(move)
    moves = await source.fetchval("select moves from clinic_home where clinic_id = $1", clinic_id) or 0
    await source.execute(
        """
        insert into clinic_move (clinic_id, cell, clinic, moved_at)
        select id, $2, to_jsonb(c), $3 from clinic c where id = $1
        """,
        clinic_id,
        move.cell_number,
        now,
    )
    await save_home(source, moves + 1, slug)
    await source.execute("set local session_replication_role = replica")  # what refers to the clinic goes next
    await source.execute("delete from clinic where id = $1", clinic_id)
    await _announce(source, clinic_id)
    return rows


async def _lock_work(source: Any, clinic_id: int) -> None:
    """Lock the rows from which workers take work. Don't wait for a worker that has locked one of them, because it may
    be waiting for this transaction."""
    try:
        for table, condition in QUEUES.items():
            await source.execute(
                f"select from {table} where clinic_id = $1 and ({condition}) for update nowait",
                clinic_id,
            )
    except asyncpg.LockNotAvailableError as error:
        raise _Busy from error


async def _roll_back(move: Move, transaction: Any) -> None:
    """Roll back, and let the target follow changes again."""
    with suppress(asyncpg.PostgresError, *LOST):
        await transaction.rollback()
    await replication.resume(move)


async def arrive(move: Move, *, save_home: SaveHome) -> None:
    """Insert the clinic's row into the target, which is the clinic's home from then on. Do nothing if it has arrived
    before, even if it has moved on since."""
    row = await move.source.fetchval("select clinic::text from clinic_move where clinic_id = $1", move.clinic_id)
    home = await move.source.fetchrow("select moves, slug from clinic_home where clinic_id = $1", move.clinic_id)
    columns = await columns_of(move.source, "clinic")
    async with move.target.transaction():
        await move.target.execute(
            f"""
            insert into clinic ({columns})
            select {columns}
              from jsonb_populate_record(null::clinic, $1::text::jsonb)
             where not exists (select from clinic_home where clinic_id = id and moves >= $2)
            """,  # noqa: S608 -- names from the catalogue
            row,
            home["moves"],
        )
        await save_home(move.target, home["moves"], home["slug"])
        await _announce(move.target, move.clinic_id)


async def finish(move: Move) -> None:
    """Forget the clinic's row once the target has it and nothing is left to remove."""
    await move.source.execute("delete from clinic_move where clinic_id = $1", move.clinic_id)


async def _announce(connection: Any, clinic_id: int) -> None:
    """Make servers read the clinic again once the transaction has been committed."""
    await connection.execute("select pg_notify($1, $2)", CHANNEL, str(clinic_id))
