"""The channels on which customers want to receive messages."""

from uuid import UUID

from ....database.pool import Statements
from ...channels.model import Channel
from ..model import Preferences


async def find(db: Statements, customer_id: UUID) -> Preferences | None:
    """Return the customer's preferences, or None if there is no customer with that id or the customer has been
    erased."""
    row = await db.fetchrow(
        """
        select bool_or(wanted) filter (where channel = 'email') as email,
               bool_or(wanted) filter (where channel = 'sms') as sms
          from customer c left join notification_preference p on p.customer_id = c.id
         where c.id = $1 and c.erased_at is null
         group by c.id
        """,
        customer_id,
    )
    return Preferences(email=row.email, sms=row.sms) if row else None


async def replace(tx: Statements, customer_id: UUID, *, email: bool | None, sms: bool | None) -> None:
    """Replace the customer's preferences. None removes a channel's preference."""
    await tx.execute(
        """
        with preference as (
          select * from unnest(array['email', 'sms'], array[$2::boolean, $3]) as p (channel, wanted)
        ), removed as (
          delete from notification_preference
           where customer_id = $1 and channel in (select channel from preference where wanted is null)
        )
        insert into notification_preference (customer_id, channel, wanted)
        select id, preference.channel, preference.wanted
          from preference join customer on id = $1 and erased_at is null
         where preference.wanted is not null
           for key share of customer  -- so that the customer is not erased at the same time
        on conflict (customer_id, channel) do update set wanted = excluded.wanted, updated_at = excluded.updated_at
        """,
        customer_id,
        email,
        sms,
    )


async def unsubscribe(tx: Statements, customer_id: UUID, channel: Channel) -> bool:
    """Turn off a channel for the customer. Return False if there is no customer with that id."""
    done = await tx.fetchval(
        """
        insert into notification_preference (customer_id, channel, wanted)
        select id, $2, false from customer where id = $1 and erased_at is null for key share
        on conflict (customer_id, channel) do update set wanted = false, updated_at = excluded.updated_at
        returning true
        """,
        customer_id,
        channel,
    )
    return done is True
