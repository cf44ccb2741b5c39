"""Tell customers about changes to their record that they may not have made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from ....database.pool import Statements
from ....events.facts import GuardianshipFact
from ....events.model import Event
from ...channels.model import Channel


async def insert_guardian_notice(
    tx: Statements,
    *,
    kind: Literal["guardian-added", "guardian-ended"],
    event: Event,
    fact: GuardianshipFact,
    channels: Sequence[Channel],
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert the message that tells a ward that someone can now book for them, or no longer can. Their preferences are
    ignored. It goes to their own address or, if they have none, to the one that the clinic has entered."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  event_id, urgent, due_at, expires_at)
        select $1, mint_id($1), $3, $4, 0, 'customer', $2::uuid::text, way.channel, $5, false, $6, $7
          from customer c
          left join patient p on p.clinic_id = $1 and p.customer_id = c.id
         cross join lateral (select case when c.email is not null then 'email'
                                         when c.phone is not null then 'sms'
                                         when p.corrected_email is not null then 'email'
                                         when p.corrected_phone is not null then 'sms' end as channel) as way
         where c.id = $2 and c.active and way.channel = any($8)
        on conflict do nothing
        """,
        event.clinic_id,
        fact.ward_id,
        kind,
        event.subject_id,
        event.id,
        now,
        expires_at,
        channels,
    )


async def insert_address_notices(
    tx: Statements, *, customer_ids: Sequence[UUID], channels: Sequence[Channel], now: datetime, expires_at: datetime
) -> None:
    """Insert the messages to customers' former addresses, ignoring preferences. Each address receives one message per
    change."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  urgent, due_at, expires_at)
        select 0, mint_id(0), 'address-changed', id::text, 0, 'customer', customer_id::text, channel, true, $2, $3
          from address_change
         where customer_id = any($1) and channel = any($4)
        on conflict do nothing
        """,
        customer_ids,
        now,
        expires_at,
        channels,
    )


async def insert_money_message(
    tx: Statements,
    *,
    kind: Literal["invoice", "receipt"],
    event: Event,
    customer_id: UUID,
    due_at: datetime,
    expires_at: datetime,
) -> None:
    """Insert the email with an issued invoice or a payment's receipt, unless the customer has no email address or the
    payment has no receipt."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  event_id, urgent, due_at, expires_at)
        select $1, mint_id($1), $3::text, $4::text, 0, 'customer', $2::uuid::text, 'email', $5, false, $6, $7
          from customer c
          left join patient p on p.clinic_id = $1 and p.customer_id = c.id
         where c.id = $2 and c.active and coalesce(p.corrected_email, c.email) is not null
           and ($3::text = 'invoice' or exists (select
                                            from payment paid
                                           where paid.clinic_id = $1 and paid.id = $4::text::uuid
                                             and paid.number is not null))
        on conflict do nothing
        """,
        event.clinic_id,
        customer_id,
        kind,
        event.subject_id,
        event.id,
        due_at,
        expires_at,
    )
