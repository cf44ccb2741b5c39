"""Which messages customers want."""

from uuid import UUID

from ....database.pool import Row, Statements
from ...channels.model import Channel


async def preferences(db: Statements, customer_id: UUID) -> Row | None:
    """What the customer wants: `email` and `sms`, each None where nothing is said; None for no such customer, and for
    one who was erased."""
    return await db.fetchrow(
        """
        select bool_or(wanted) filter (where channel = 'email') as email, bool_or(wanted) filter (where channel = 'sms') as sms
          from customer c left join notification_preference p on p.customer_id = c.id
         where c.id = $1 and c.erased_at is null
         group by c.id
        """,
        customer_id,
    )


async def replace(tx: Statements, customer_id: UUID, *, email: bool | None, sms: bool | None) -> None:
    """Replace what the customer wants; None says nothing."""
    await tx.execute(
        """
        with said as (
          select * from unnest(array['email', 'sms'], array[$2::boolean, $3]) as s (channel, wanted)
        ), unsaid as (
          delete from notification_preference where customer_id = $1 and channel in (select channel from said where wanted is null)
        )
        insert into notification_preference (customer_id, channel, wanted)
        select id, said.channel, said.wanted
          from said join customer on id = $1 and erased_at is null
         where said.wanted is not null
           for key share of customer  -- so that nobody is erased meanwhile
        on conflict (customer_id, channel) do update set wanted = excluded.wanted, updated_at = now()
        """,
        customer_id,
        email,
        sms,
    )


async def unsubscribe(tx: Statements, customer_id: UUID, channel: Channel) -> bool:
    """The customer does not want to be told that way any more; False for no such customer."""
    return (
        await tx.fetchval(
            """
        insert into notification_preference (customer_id, channel, wanted) select id, $2, false from customer where id = $1 and erased_at is null for key share
        on conflict (customer_id, channel) do update set wanted = false, updated_at = now()
        returning true
        """,
            customer_id,
            channel,
        )
        or False
    )
