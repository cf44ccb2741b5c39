"""The mailbox of development: what would have been sent."""

from collections.abc import Sequence
from typing import Final

from ...database.pool import Statements, to
from .model import Kept, Message

MOST: Final = 1000


async def keep(db: Statements, message: Message) -> None:
    """Keep a message, once by its token, and of all the newest `MOST`; one to a customer who was erased meanwhile is
    kept by nobody."""
    await db.execute(
        """
        with kept as (
          insert into dev_message (token, channel, recipient, subject, text, html, calendar, customer_id)
          select $1, $2, $3, $4, $5, $6, $7, $9
           where $9::uuid is null or exists (select from customer where id = $9 and erased_at is null for key share)
          on conflict (token) do nothing
          returning id
        )
        delete from dev_message
         where id <= (select id from dev_message order by id desc offset $8 - 1 limit 1)  -- the new one is not seen here
           and exists (select from kept)
        """,
        message.token,
        message.channel,
        message.to,
        message.subject,
        message.text,
        message.html,
        message.calendar,
        MOST,
        message.customer_id,
    )


async def newest(db: Statements, *, limit: int) -> Sequence[Kept]:
    """The newest messages, newest first, with the beginnings of their texts."""
    rows = await db.fetch(
        "select id, channel, recipient, subject, left(text, 200) as text, created_at, null as html, null as calendar from dev_message order by id desc limit $1",
        limit,
    )
    return [to(Kept, row) for row in rows]


async def find(db: Statements, id: int) -> Kept | None:
    row = await db.fetchrow(
        "select id, channel, recipient, subject, text, created_at, html, calendar from dev_message where id = $1", id
    )
    return to(Kept, row) if row else None
