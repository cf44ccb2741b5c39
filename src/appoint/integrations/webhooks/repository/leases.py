"""SQL for leases on webhooks, which workers use to share all clinics' deliveries."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ....database.pool import Statements
from ....kit.ids import clinic_of
from ..model import Endpoint
from .webhooks import to_endpoint


class Lease(NamedTuple):
    """The right to send a webhook's deliveries."""

    webhook_id: UUID
    leased_until: datetime


async def claim(db: Statements, *, now: datetime, until: datetime, limit: int) -> list[Lease]:
    """Lease webhooks that have due deliveries, across all clinics, until the given time. Those that have waited longest
    come first."""
    rows = await db.fetch(
        """
        with free as (
          select clinic_id, id from webhook w
           where active and disabled_at is null and (leased_until is null or leased_until <= $1)
             and (select true from clinic c where c.id = w.clinic_id)  -- has not moved
             and (select true from webhook_delivery d  -- a lookup per webhook, which `exists` does not guarantee
                   where d.clinic_id = w.clinic_id and d.webhook_id = w.id and d.status = 'queued' and d.due_at <= $1
                     and not exists (select from webhook_delivery earlier
                                      where earlier.clinic_id = d.clinic_id and earlier.webhook_id = d.webhook_id
                                        and earlier.subject_id = d.subject_id and earlier.event_id < d.event_id
                                        and earlier.status = 'queued')
                   limit 1)
           order by leased_until nulls first
           limit $3
             for no key update skip locked
        )
        update webhook w set leased_until = $2
          from free
         where w.clinic_id = free.clinic_id and w.id = free.id
        returning w.id, w.leased_until
        """,
        now,
        until,
        limit,
    )
    return [Lease(*row.values()) for row in rows]


async def find_endpoint(db: Statements, lease: Lease) -> Endpoint | None:
    """Return the webhook's URL and secrets while the lease holds and the webhook is enabled."""
    row = await db.fetchrow(
        """
        select url, secret, old_secret, old_secret_until from webhook
         where clinic_id = $1 and id = $2 and leased_until = $3 and active and disabled_at is null
        """,
        clinic_of(lease.webhook_id),
        lease.webhook_id,
        lease.leased_until,
    )
    return to_endpoint(db, lease.webhook_id, row) if row else None


async def release(db: Statements, lease: Lease, *, now: datetime) -> None:
    """End the lease, unless another worker has since taken it."""
    await db.execute(
        "update webhook set leased_until = $4 where clinic_id = $1 and id = $2 and leased_until = $3",
        clinic_of(lease.webhook_id),
        lease.webhook_id,
        lease.leased_until,
        now,
    )
