"""Everything the table of sign-in codes is asked. The codes themselves are nowhere in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ...database.pool import Row, Statements
from ...messaging.channels.model import Channel

MOST_ATTEMPTS: Final = 5


async def add(tx: Statements, *, channel: Channel, customer_ids: Sequence[UUID], expires_at: datetime) -> UUID:
    return await tx.fetchval(
        "insert into sign_in_code (channel, customer_ids, expires_at) values ($1, $2, $3) returning id",
        channel,
        customer_ids,
        expires_at,
    )


async def attempt(tx: Statements, code_id: UUID, *, now: datetime) -> Row | None:
    """Count an attempt, and find whose code it is; nobody else attempts it until the transaction ends. None when it is
    good for no further one."""
    return await tx.fetchrow(
        """
        update sign_in_code set attempts = attempts + 1
         where id = $1 and attempts < $3 and used_at is null and expires_at > $2
        returning channel, customer_ids, created_at
        """,
        code_id,
        now,
        MOST_ATTEMPTS,
    )


async def give_back(tx: Statements, code_id: UUID) -> None:
    """The attempt was none: the code was right, and is to be sent again with a choice."""
    await tx.execute("update sign_in_code set attempts = attempts - 1 where id = $1", code_id)


async def use(tx: Statements, code_id: UUID, *, now: datetime) -> None:
    await tx.execute("update sign_in_code set used_at = $2 where id = $1", code_id, now)


async def forget(db: Statements, *, now: datetime) -> None:
    """Delete the codes that have run out."""
    await db.execute("delete from sign_in_code where expires_at <= $1", now)
