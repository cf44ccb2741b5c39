"""Erase a person's notifications and preferences, and delete expired notifications."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ....database.pool import Statements, affected


async def erase_notifications(tx: Statements, customer_id: UUID) -> int:
    """Stop unsent notifications. For sent ones, erase the provider's ids, because they could be used to find the
    messages at the provider.
    """
    tag = await tx.execute(
        """
        update notification
           set status = case when status in ('queued', 'leased') then 'superseded' else status end,
               reason = case when status in ('queued', 'leased') then 'the customer was erased' else reason end,
               leased_until = null, provider_id = null, version = version + 1, updated_at = now()
         where recipient = 'customer' and recipient_id = $1::uuid::text
           and (status in ('queued', 'leased') or provider_id is not null)
        """,
        customer_id,
    )
    return affected(tag)


async def erase_preferences(tx: Statements, customer_ids: Sequence[UUID]) -> int:
    return affected(await tx.execute("delete from notification_preference where customer_id = any($1)", customer_ids))


async def delete_expired(db: Statements, *, clinic_id: int, before: UUID, now: datetime, limit: int) -> int:
    """Delete the oldest expired notifications with ids below `before`. Return how many there were. Several workers can
    run this at once."""
    tag = await db.execute(
        """
        delete from notification
         where clinic_id = $1
           and id = any(array(select id from notification
                               where clinic_id = $1 and id < $2 and expires_at <= $3
                               order by id
                               limit $4
                                 for update skip locked))
        """,
        clinic_id,
        before,
        now,
        limit,
    )
    return affected(tag)
