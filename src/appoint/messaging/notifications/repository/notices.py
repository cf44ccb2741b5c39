"""Insert notices about changes to customers' records, and messages that staff send again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from ....database.pool import Statements
from ....events.facts import GuardianshipFact
from ....events.model import Event
from ...channels.model import Channel
from ..model import Contact


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
    clinic_id: int,
    kind: Literal["invoice", "credit-note", "receipt"],
    subject_id: str,
    customer_id: UUID,
    event_id: UUID,
    channels: Sequence[Channel],
    due_at: datetime,
    expires_at: datetime,
) -> None:
    """Insert the email with an issued invoice or credit note or a payment's receipt. A customer who has only a phone
    gets a text message with the invoice's link instead. Insert nothing if the payment has no receipt, or if the clinic
    does not mail its invoices."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  event_id, urgent, due_at, expires_at)
        select $1, mint_id($1), $3::text, $4::text, 0, 'customer', $2::uuid::text, way.channel, $5, false, $6, $7
          from customer c
          left join patient p on p.clinic_id = $1 and p.customer_id = c.id
         cross join lateral (select case when coalesce(p.corrected_email, c.email) is not null then 'email'
                                         when $3::text = 'invoice' and coalesce(p.corrected_phone, c.phone) is not null
                                         then 'sms' end as channel) as way
         where c.id = $2 and c.active and way.channel = any($8)
           and case when $3::text = 'receipt'
                    then exists (select from payment paid
                                  where paid.clinic_id = $1 and paid.id = $4::text::uuid and paid.number is not null)
                    else not exists (select from payment_policy o
                                      where o.clinic_id = $1 and o.appointment_type_id is null and not o.mails_invoices)
               end
        on conflict do nothing
        """,
        clinic_id,
        customer_id,
        kind,
        subject_id,
        event_id,
        due_at,
        expires_at,
        channels,
    )


async def insert_requested_document(
    tx: Statements,
    *,
    clinic_id: int,
    kind: Literal["invoice", "credit-note"],
    subject_id: str,
    customer_id: UUID,
    channel: Channel,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert the message with an invoice or credit note that staff want to send, even if it was sent before."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, urgent,
                                  due_at, expires_at)
        select $1, mint_id($1), $3::text, $4::text, coalesce(max(sequence) + 1, 0), 'customer', $2::text, $7::text,
               false, $5::timestamptz, $6::timestamptz
          from notification
         where clinic_id = $1 and kind = $3::text and subject_id = $4::text
        on conflict do nothing
        """,
        clinic_id,
        str(customer_id),
        kind,
        subject_id,
        now,
        expires_at,
        channel,
    )


async def insert_requested_confirmations(
    tx: Statements,
    contacts: Sequence[Contact],
    *,
    clinic_id: int,
    subject_id: str,
    sequence: int,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Queue the confirmation for each contact, or queue it again if it has been sent or given up. Leave those that are
    waiting to be sent."""
    await tx.execute(
        """
        insert into notification as n (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                       urgent, due_at, expires_at)
        select $1, mint_id($1), 'confirmation', $2, $3, recipient, recipient_id, channel, true, $7, $8
          from unnest($4::text[], $5::text[], $6::text[]) as contact (recipient, recipient_id, channel)
        on conflict on constraint told_once do update
           set status = 'queued', due_at = $7, attempts = 0, round = n.round + 1, urgent = true, sent_at = null,
               delivered_at = null, reason = null, leader_id = null,
               expires_at = greatest(n.expires_at, excluded.expires_at), version = n.version + 1, updated_at = $7
         where n.status not in ('queued', 'leased')
        """,
        clinic_id,
        subject_id,
        sequence,
        [each.recipient for each in contacts],
        [each.recipient_id for each in contacts],
        [each.channel for each in contacts],
        now,
        expires_at,
    )
