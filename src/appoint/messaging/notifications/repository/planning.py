"""Plan notifications, and supersede those that events make outdated."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from ....database.pool import Statements, affected
from ....database.sql import load
from ....events.facts import AppointmentCodeRequested
from ....events.model import Event
from ....kit import ids
from ...channels.model import Channel
from ..model import Contact, DueReminder, NotificationStatus, PlannedNotification
from ..steps import StepEffect, SupersededNotification

DUE_REMINDERS: Final = load(__name__, "due_reminders")
LIST_CONTACTS: Final = load(__name__, "list_contacts")
FIND_STEPS: Final = load(__name__, "find_steps")


async def list_contacts(
    tx: Statements, *, events: Sequence[tuple[int, UUID, UUID | None, bool, UUID | None]], channels: Sequence[Channel]
) -> list[Contact]:
    """Return the contacts for events. For each event, pass its clinic, its id, its customer, whether the customer must
    get the message even if they have turned off all channels, and its appointment. An event without a customer concerns
    the clinic's staff, or its managers if the clinic has no email address, and also the appointment's doctor.
    """
    clinics, ids_, customers, news, appointments = zip(*events, strict=True)
    rows = await tx.fetch(
        LIST_CONTACTS,
        clinic_ids=clinics,
        event_ids=ids_,
        customer_ids=customers,
        news=news,
        appointment_ids=appointments,
        channels=channels,
    )
    return [Contact(*row.values()) for row in rows]


async def find_steps(tx: Statements, *, events: Sequence[Event], held_for: timedelta) -> dict[UUID, StepEffect]:
    """Return the steps by staff that these events about appointments report, or whose undo they report, keyed by event.
    Call this before `supersede`, because that changes what counts as announced."""
    rows = await tx.fetch(
        FIND_STEPS,
        clinic_ids=[event.clinic_id for event in events],
        event_ids=[event.id for event in events],
        subject_ids=[event.subject_id for event in events],
        versions=[event.subject_version for event in events],
        held_for=held_for,
    )
    return {row.event_id: StepEffect(*row.values()) for row in rows}


async def insert(tx: Statements, notifications: Sequence[PlannedNotification]) -> int:
    """Insert notifications that do not exist yet. Return how many are new.

    A new time is announced once, either as a confirmation or as a move, even if its event is relayed twice.
    """
    tag = await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  event_id, urgent, due_at, expires_at, message_key)
        select planned.*
          from unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[],
                      $8::text[], $9::uuid[], $10::bool[], $11::timestamptz[], $12::timestamptz[], $13::text[])
               as planned (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                           event_id, urgent, due_at, expires_at, message_key)
         where planned.kind not in ('confirmation', 'moved')
            or not exists (select
                             from notification n
                            where n.clinic_id = planned.clinic_id and n.subject_id = planned.subject_id
                              and n.sequence = planned.sequence and n.channel = planned.channel
                              and n.kind in ('confirmation', 'moved') and n.kind <> planned.kind)
        on conflict do nothing
        """,
        *zip(*((each.clinic_id, ids.new_id(each.clinic_id), *each[1:]) for each in notifications), strict=True),
    )
    return affected(tag)


async def insert_for_user(
    tx: Statements, *, kind: str, user_id: UUID, clinic_id: int, subject_id: UUID, now: datetime, expires_at: datetime
) -> None:
    """Insert an email to a user about their account, unless the user has left. Its sequence number is the version of
    their credentials."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  urgent, due_at, expires_at)
        select $1, $2, $3, $4::uuid::text, credentials, 'user', id::text, 'email', true, $6, $7
          from app_user
         where id = $5 and active and disabled_at is null
        """,
        clinic_id,
        ids.new_id(clinic_id),
        kind,
        subject_id,
        user_id,
        now,
        expires_at,
    )


async def insert_code(
    tx: Statements,
    *,
    kind: Literal["sign-in-code", "address-code"] = "sign-in-code",
    code_id: UUID,
    customer_id: UUID | None,
    channel: Channel,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert the message with a customer's sign-in code, or with the code that confirms their new address. It does not
    belong to a clinic."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  urgent, due_at, expires_at)
        select 0, $1, $7, $2::uuid::text, 0, 'customer', $3::uuid::text, $4, true, $5, $6
         where $3 is not null
        """,
        ids.new_id(ids.PLATFORM),
        code_id,
        customer_id,
        channel,
        now,
        expires_at,
        kind,
    )


async def insert_lookup(
    tx: Statements, *, clinic_id: int, customer_id: UUID, day: int, now: datetime, expires_at: datetime
) -> None:
    """Insert the message that tells a customer that a clinic has looked them up, unless there already is one for this
    day."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  urgent, due_at, expires_at)
        select $1, mint_id($1), 'record-lookup', $2::uuid::text, $3, 'customer', $2::text, channel, false, $4, $5
          from customer_channel
         where customer_id = $2
        on conflict do nothing
        """,
        clinic_id,
        customer_id,
        day,
        now,
        expires_at,
    )


async def insert_confirmation_code(
    tx: Statements, *, event: Event, fact: AppointmentCodeRequested, channels: Sequence[Channel], now: datetime
) -> None:
    """Insert the message with the code that confirms a booking, to the booker's email address or else phone number,
    ignoring notification preferences. It replaces any earlier code that has not been sent yet."""
    await tx.execute(
        """
        update notification
           set status = 'superseded', reason = 'a newer code was requested', leased_until = null,
               version = version + 1, updated_at = now()
         where clinic_id = $1 and subject_id = $2 and kind like 'confirmation-code-%' and status = 'queued'
        """,
        event.clinic_id,
        event.subject_id,
    )
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  event_id, urgent, due_at, expires_at)
        select $1, $2, 'confirmation-code-' || $3::integer, $4, $5, 'customer', c.id::text, way.channel, $6, true,
               $7::timestamptz, $8::timestamptz
          from customer c
         cross join lateral (select case when c.email is not null then 'email' else 'sms' end as channel) as way
         where c.id = $9 and c.active and num_nonnulls(c.email, c.phone) > 0 and way.channel = any($10) and $7 < $8
        on conflict do nothing
        """,
        event.clinic_id,
        ids.new_id(event.clinic_id),
        fact.number,
        event.subject_id,
        fact.sequence,
        event.id,
        now,
        fact.hold_expires_at,
        fact.customer_id,
        channels,
    )


async def supersede(
    tx: Statements, *, events: Sequence[Event], sequences: Sequence[int]
) -> list[SupersededNotification]:
    """Supersede unsent notifications about the events' subjects if their sequence number is lower than the one given
    for the event. Return those that have never been sent and that no worker is about to send."""
    rows = await tx.fetch(
        """
        update notification n
           set status = 'superseded', reason = 'the appointment has changed', leased_until = null,
               version = version + 1, updated_at = now()
          from unnest($1::int[], $2::text[], $3::int[]) as e (clinic_id, subject_id, sequence)
         where n.clinic_id = e.clinic_id and n.subject_id = e.subject_id and n.sequence < e.sequence
           and n.status in ('queued', 'leased')
        returning n.clinic_id, n.subject_id, n.kind, n.event_id, old.status, n.round
        """,
        [event.clinic_id for event in events],
        [event.subject_id for event in events],
        sequences,
    )
    return [
        SupersededNotification(row.clinic_id, row.subject_id, row.kind, row.event_id)
        for row in rows
        if row.status == NotificationStatus.QUEUED and not row.round
    ]


async def list_due_reminders(
    db: Statements,
    *,
    channels: Sequence[Channel],
    spread: timedelta,
    after: tuple[datetime, UUID],
    now: datetime,
    limit: int,
) -> list[DueReminder]:
    """Return appointments, from all clinics, for which a reminder is due soon and has not been planned yet. An
    appointment appears once per customer channel, or once if there is no channel, with its share of the spread.
    Appointments are sorted by start and come after the start and id in `after`. Each is followed by later appointments
    on the same day that can share its message: those that are for the same customer or from the same booking, and start
    at most half the reminder's lead time later.

    Reminders that would fall due in quiet hours are returned before those hours begin. A reminder that is late because
    no worker was running is returned until the next reminder is due. An appointment that is booked or moved after a
    reminder's time does not get that reminder.
    """
    after_start, after_id = after
    rows = await db.fetch(
        DUE_REMINDERS,
        channels=channels,
        spread=spread,
        after_start=after_start,
        after_id=after_id,
        now=now,
        limit=limit,
    )
    return [DueReminder(*values, first=(first_start, first_id)) for *values, first_start, first_id in map(tuple, rows)]


async def plan_agendas(db: Statements, *, lasting: timedelta, now: datetime) -> int:
    """Insert emails listing today's appointments for doctors at all clinics whose agenda time was at most `lasting`
    ago. Return how many are new."""
    tag = await db.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  due_at, expires_at)
        select d.clinic_id, mint_id(d.clinic_id), 'agenda', d.id::text, today.date - date '2000-01-01',
               'doctor', d.id::text, 'email', at_, at_ + $2
          from clinic c
         cross join lateral (select ($1::timestamptz at time zone c.time_zone)::date as date) as today
         cross join lateral (select local_instant(today.date, c.agenda_minute, c.time_zone) as at_) as agenda
          join doctor d on d.clinic_id = c.id and d.active and d.email is not null
         where c.active and $1 >= at_ and $1 < at_ + $2
        on conflict do nothing
        """,
        now,
        lasting,
    )
    return affected(tag)
