"""The SQL of sign-in codes. The table does not contain the codes themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ...database.pool import Row, Statements
from ...messaging.channels.model import Channel

MAX_ATTEMPTS: Final = 5


async def add(tx: Statements, *, channel: Channel, customer_ids: Sequence[UUID], expires_at: datetime) -> UUID:
    return await tx.fetchval(
        "insert into sign_in_code (channel, customer_ids, expires_at) values ($1, $2, $3) returning id",
        channel,
        customer_ids,
        expires_at,
    )


async def attempt(tx: Statements, code_id: UUID, *, now: datetime) -> Row | None:
    """Count an attempt, return the code's customers, and lock the code until the transaction ends. Return None if it
    allows no further attempt."""
    return await tx.fetchrow(
        """
        update sign_in_code set attempts = attempts + 1
         where id = $1 and attempts < $3 and used_at is null and expires_at > $2
        returning channel, customer_ids, created_at
        """,
        code_id,
        now,
        MAX_ATTEMPTS,
    )


async def give_back(tx: Statements, code_id: UUID) -> None:
    """Undo the count of an attempt: the code was right, and the client sends it again with a choice."""
    await tx.execute("update sign_in_code set attempts = attempts - 1 where id = $1", code_id)


async def use(tx: Statements, code_id: UUID, *, now: datetime) -> None:
    await tx.execute("update sign_in_code set used_at = $2 where id = $1", code_id, now)


async def forget(db: Statements, *, now: datetime) -> None:
    """Delete expired codes."""
    await db.execute("delete from sign_in_code where expires_at <= $1", now)
