"""SQL for sign-in codes. The table does not contain the codes themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ...database.pool import Statements, affected
from ...messaging.channels.model import Channel
from .model import SentCode

MAX_ATTEMPTS: Final = 5


async def add(
    tx: Statements, *, channel: Channel, customer_ids: Sequence[UUID], locale: str | None, expires_at: datetime
) -> UUID:
    return await tx.fetchval(
        "insert into sign_in_code (channel, customer_ids, locale, expires_at) values ($1, $2, $3, $4) returning id",
        channel,
        customer_ids,
        locale,
        expires_at,
    )


async def count_attempt(tx: Statements, code_id: UUID, *, now: datetime) -> SentCode | None:
    """Count an attempt, return the code, and lock it until the transaction ends. Return None if it is unknown, used or
    expired, or has no attempts left."""
    row = await tx.fetchrow(
        """
        update sign_in_code set attempts = attempts + 1
         where id = $1 and new_address is null and attempts < $3 and used_at is null and expires_at > $2
        returning channel, customer_ids, created_at
        """,
        code_id,
        now,
        MAX_ATTEMPTS,
    )
    return SentCode(*row.values()) if row else None


async def uncount_attempt(tx: Statements, code_id: UUID) -> None:
    """Undo an attempt that had the right code, because the client will send the code again with a choice."""
    await tx.execute("update sign_in_code set attempts = attempts - 1 where id = $1", code_id)


async def mark_used(tx: Statements, code_id: UUID, *, now: datetime) -> None:
    await tx.execute("update sign_in_code set used_at = $2 where id = $1", code_id, now)


async def delete_expired(db: Statements, *, now: datetime) -> None:
    """Delete expired codes."""
    await db.execute("delete from sign_in_code where expires_at <= $1", now)


async def delete_of_customer(tx: Statements, customer_id: UUID) -> int:
    """Delete the codes that can sign a customer in. Return how many there were."""
    return affected(await tx.execute("delete from sign_in_code where $1 = any(customer_ids)", customer_id))


async def list_registered_phones(db: Statements, phones: Sequence[str]) -> list[str]:
    """Return which of the numbers are on active customers' records."""
    rows = await db.fetch("select distinct phone from customer where phone = any($1) and active order by phone", phones)
    return [row.phone for row in rows]
