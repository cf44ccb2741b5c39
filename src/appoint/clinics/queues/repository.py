"""SQL for queues."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from ...database.pool import Row, Statements
from ...database.sql import load
from .model import OpenedBy, QueueState

ADVANCE: Final = load(__name__, "advance")
START_LOBBY: Final = load(__name__, "start_lobby")


def _state(row: Row) -> QueueState:
    return QueueState(**{name: row[name] for name in QueueState.__struct_fields__})


async def advance(db: Statements, numbers: Mapping[int, int]) -> list[QueueState]:
    """Let this many more visitors in, by clinic. Return all queues that are open or have an announced opening."""
    rows = await db.fetch(ADVANCE, clinic_ids=list(numbers), numbers=list(numbers.values()))
    return [_state(row) for row in rows]


async def start_lobby(db: Statements, clinic_id: int, *, before: timedelta) -> None:
    """Open the queue for an announced opening if it is near. Tickets issued from now on are shuffled at the opening."""
    await db.execute(START_LOBBY, clinic_id=clinic_id, before=before)


async def find(db: Statements, clinic_id: int) -> QueueState | None:
    row = await db.fetchrow(
        """
        select q.*, c.name, c.slug, c.time_zone
          from visitor_queue q left join clinic c on c.id = q.clinic_id
         where q.clinic_id = $1
        """,
        clinic_id,
    )
    return _state(row) if row else None


async def issue(db: Statements, clinic_id: int, number: int) -> tuple[int, int] | None:
    """Return the first and last of `number` new ticket numbers, or None if the queue is closed."""
    row = await db.fetchrow(
        """
        update visitor_queue
           set issued = issued + $2,
               shuffled_until = case when shuffled_after is not null and shuffled_until is null and opens_at <= now()
                                     then issued else shuffled_until end
         where clinic_id = $1 and opened_at is not null
        returning issued
        """,
        clinic_id,
        number,
    )
    return (row.issued - number + 1, row.issued) if row else None


async def open_queue(db: Statements, clinic_id: int, by: OpenedBy) -> bool:
    """Open the queue unless it is open. Return whether it was closed."""
    tag = await db.execute(
        """
        insert into visitor_queue as q (clinic_id, opened_at, opened_by) values ($1, now(), $2)
        on conflict (clinic_id) do update
           set opened_at = excluded.opened_at, opened_by = excluded.opened_by,
               version = q.version + 1, updated_at = excluded.updated_at,
               served = q.issued, marked = q.issued, missed = q.issued, marked_at = excluded.marked_at,
               shuffled_after = null, shuffled_until = null
         where q.opened_at is null
        """,
        clinic_id,
        by,
    )
    return tag != "INSERT 0 0"


async def find_automatic(db: Statements, name: str) -> int | None:
    """Return the id of the clinic with this slug or id if its queue opens by itself."""
    return await db.fetchval(
        "select id from clinic where (slug = $1 or id::text = $1) and active and queue = 'automatic'", name
    )


async def close(db: Statements, clinic_id: int, *, longest: int | None = None) -> bool:
    """Close the queue, unless more than `longest` people are waiting. Return whether it was open."""
    tag = await db.execute(
        """
        update visitor_queue
           set opened_at = null, opened_by = null, version = version + 1, updated_at = now(),
               opens_at = case when opens_at > now() then opens_at end,
               served = issued, marked = issued, missed = issued, marked_at = now(),
               shuffled_after = null, shuffled_until = null
         where clinic_id = $1 and opened_at is not null and ($2::bigint is null or issued - served <= $2)
        """,
        clinic_id,
        longest,
    )
    return tag != "UPDATE 0"


async def announce(db: Statements, clinic_id: int, opens_at: datetime | None) -> None:
    """Announce when booking opens, or withdraw the announcement."""
    await db.execute(
        """
        insert into visitor_queue as q (clinic_id, opens_at) values ($1, $2)
        on conflict (clinic_id) do update set opens_at = $2, version = q.version + 1, updated_at = excluded.updated_at
        """,
        clinic_id,
        opens_at,
    )
