"""The development mailbox: messages that would have been sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ...database.pool import Statements, affected, to
from .model import DevMessage, Message

MAX_DEV_MESSAGES: Final = 1000


async def save(db: Statements, message: Message) -> None:
    """Save a message unless there already is one with its token, and delete all but the newest `MAX_DEV_MESSAGES`. Skip
    a message to a customer who has since been erased."""
    await db.execute(
        """
        with inserted as (
          insert into dev_message (token, channel, recipient, subject, text, html, calendar, customer_id)
          select $1, $2, $3, $4, $5, $6, $7, $9
           where $9::uuid is null or exists (select from customer where id = $9 and erased_at is null for key share)
          on conflict (token) do nothing
          returning id
        )
        delete from dev_message
         where id <= (select id from dev_message order by id desc offset $8 - 1 limit 1)  -- does not see the new one
           and exists (select from inserted)
        """,
        message.token,
        message.channel,
        message.to,
        message.subject,
        message.text,
        message.html,
        message.calendar or "".join(message.calendars) or None,
        MAX_DEV_MESSAGES,
        message.customer_id,
    )


async def list_newest(db: Statements, *, limit: int) -> list[DevMessage]:
    """Return the latest messages, newest first, each with only the beginning of its text."""
    rows = await db.fetch(
        """
        select id, channel, recipient, subject, left(text, 200) as text, created_at, null as html, null as calendar
          from dev_message
         order by id desc
         limit $1
        """,
        limit,
    )
    return [to(DevMessage, row) for row in rows]


async def find(db: Statements, id: int) -> DevMessage | None:
    row = await db.fetchrow(
        "select id, channel, recipient, subject, text, created_at, html, calendar from dev_message where id = $1", id
    )
    return to(DevMessage, row) if row else None


async def erase_messages(tx: Statements, customer_ids: Sequence[UUID]) -> int:
    """Delete the messages to the customers. Return how many there were."""
    return affected(await tx.execute("delete from dev_message where customer_id = any($1)", customer_ids))


async def erase_others_messages(tx: Statements, *, clinic_ids: Sequence[int]) -> None:
    """Delete the clinics' messages to doctors and staff from the development mailbox, because lists of appointments
    contain names."""
    await tx.execute(
        """
        delete from dev_message d
         using notification n
         where n.clinic_id = any($1) and n.recipient in ('doctor', 'staff') and n.id::text = split_part(d.token, '.', 1)
        """,
        clinic_ids,
    )


async def delete_old(db: Statements, *, before: datetime) -> int:
    """Delete old messages from the development mailbox. Return how many there were."""
    return affected(await db.execute("delete from dev_message where created_at < $1", before))
