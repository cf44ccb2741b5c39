"""SQL for broker messages. One worker publishes all clinics' messages."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ...database.pool import Statements, to
from .model import BrokerMessage

LOCK: Final = 727_067  # the same for all workers; any number that migrations do not use


async def append(
    tx: Statements,
    *,
    clinic_ids: Sequence[int],
    event_ids: Sequence[UUID],
    types: Sequence[str],
    subject_ids: Sequence[str],
    bodies: Sequence[str],
) -> None:
    """Store messages in the given order."""
    await tx.execute(
        """
        insert into broker_message (clinic_id, event_id, type, subject_id, body)
        select clinic_id, event_id, type, subject_id, body
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[], $5::text[])
               with ordinality as message (clinic_id, event_id, type, subject_id, body, number)
         order by number  -- positions follow this order
        """,
        clinic_ids,
        event_ids,
        types,
        subject_ids,
        bodies,
    )


async def take_turn(session: Statements) -> bool:
    """Become the publisher until the session ends. Return False if another session is already the publisher.

    PostgreSQL ends the session after a minute without statements, because the worker's machine may have died unnoticed.
    """
    return await session.fetchval(
        """
        select case when pg_try_advisory_lock($1) then set_config('idle_session_timeout', '60s', false) is not null
                    else false end
        """,
        LOCK,
    )


async def list_oldest(session: Statements, *, limit: int) -> list[BrokerMessage]:
    """Return the oldest messages that the broker has not acknowledged, in order."""
    rows = await session.fetch(
        """
        select position, clinic_id, event_id, type, subject_id, body
          from broker_message
         where fault is null
         order by position
         limit $1
        """,
        limit,
    )
    return [to(BrokerMessage, row) for row in rows]


async def delete(session: Statements, *, positions: Sequence[int]) -> None:
    """Delete messages that the broker has acknowledged."""
    await session.execute("delete from broker_message where position = any($1)", positions)


async def put_aside(session: Statements, *, position: int, fault: str) -> None:
    """Mark a message that the broker rejects. It stays in the table for an operator to inspect."""
    await session.execute("update broker_message set fault = $2 where position = $1", position, fault)
