"""SQL for codes that confirm a new address. They are rows in the same table as sign-in codes, but cannot be used to
sign in.
"""

from datetime import datetime
from uuid import UUID

from ...database.pool import Statements, to
from .model import MAX_ATTEMPTS, PendingAddress


async def add(
    tx: Statements, *, customer_id: UUID, channel: str, address: str, locale: str, expires_at: datetime
) -> UUID:
    """Add a code for a new address. It replaces the customer's earlier codes on the same channel."""
    return await tx.fetchval(
        """
        with replaced as (
          delete from sign_in_code where customer_ids = array[$1::uuid] and channel = $2 and new_address is not null
        )
        insert into sign_in_code (channel, customer_ids, new_address, expires_at, locale)
        values ($2, array[$1::uuid], $3, $4, $5)
        returning id
        """,
        customer_id,
        channel,
        address,
        expires_at,
        locale,
    )


async def list_pending(db: Statements, customer_id: UUID, *, now: datetime) -> list[PendingAddress]:
    """Return the customer's new addresses whose codes have not been entered yet."""
    rows = await db.fetch(
        """
        select id, channel, new_address as address
          from sign_in_code
         where customer_ids = array[$1::uuid] and new_address is not null and used_at is null and expires_at > $2
         order by channel
        """,
        customer_id,
        now,
    )
    return [to(PendingAddress, row) for row in rows]


async def count_attempt(tx: Statements, code_id: UUID, *, customer_id: UUID, now: datetime) -> PendingAddress | None:
    """Count an attempt, return the address, and lock the code until the transaction ends. Return None if the code is
    not the customer's, has been used, has expired, or has no attempts left."""
    row = await tx.fetchrow(
        """
        update sign_in_code set attempts = attempts + 1
         where id = $1 and customer_ids = array[$2::uuid] and new_address is not null
           and attempts < $4 and used_at is null and expires_at > $3
        returning id, channel, new_address as address
        """,
        code_id,
        customer_id,
        now,
        MAX_ATTEMPTS,
    )
    return to(PendingAddress, row) if row else None
