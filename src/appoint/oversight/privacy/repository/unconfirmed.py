"""Find people who registered but never booked."""

from datetime import datetime
from uuid import UUID

from ....database.pool import Statements


async def lock_unconfirmed(tx: Statements, *, before: datetime, after: UUID, now: datetime, limit: int) -> list[UUID]:
    """Return and lock customers who registered before the given time and have never had more than an abandoned hold, in
    id order after `after`. Omit those who are signed in or have held a time since, who have booked in another cell, and
    whose payments or invoices the clinic must keep.

    Customers locked by other transactions are left for the next night.
    """
    rows = await tx.fetch(
        """
        select c.id
          from customer c
         where c.id > $2 and c.created_at < $1 and c.erased_at is null
           and not exists (select from appointment a
                            where a.customer_id = c.id and (not a.only_held or a.created_at >= $1))
           and not exists (select from appointment a
                            where a.booker_id = c.id and (not a.only_held or a.created_at >= $1))
           and not exists (select from patient p where p.customer_id = c.id)
           and not exists (select from customer_copy k where k.customer_id = c.id)
           and not exists (select from payment p where p.customer_id = c.id)
           and not exists (select from invoice i where i.customer_id = c.id)
           and not exists (select from coupon_use u where u.customer_id = c.id)
           and not exists (select from session s where s.customer_id = c.id and s.expires_at > $3)
         order by c.id
         limit $4
           for update of c skip locked
        """,
        before,
        after,
        now,
        limit,
    )
    return [row.id for row in rows]
