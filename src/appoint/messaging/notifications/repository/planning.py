"""Rows for what is to be sent: planned, and superseded."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ....database.pool import Statements
from ....events.model import Event
from ....kit import ids
from ...channels.model import Channel
from ..model import Contact, DueReminder, PlannedNotification


async def contacts(
    tx: Statements, *, events: Sequence[tuple[int, UUID, UUID | None]], channels: Sequence[Channel]
) -> list[Contact]:
    """How those can be told whom events concern: the customer that is named beside an event's clinic and id, and the
    clinic's staff."""
    rows = await tx.fetch(
        """
        select e.id as event_id, to_.recipient, to_.recipient_id, to_.channel, c.time_zone, c.quiet_from, c.quiet_until
          from unnest($1::int[], $2::uuid[], $3::uuid[]) as e (clinic_id, id, customer_id)
          join clinic c on c.id = e.clinic_id
         cross join lateral (select 'customer' as recipient, customer_id::text as recipient_id, channel from customer_channel w where w.customer_id = e.customer_id
                             union all
                             select 'staff', c.id::text, 'email' where c.email is not null and e.customer_id is null) as to_
         where to_.channel = any($4)
        """,
        *zip(*events, strict=True),
        channels,
    )
    return [Contact(*row.values()) for row in rows]


async def insert(tx: Statements, planned: Sequence[PlannedNotification]) -> int:
    """Write down what is to be told, once each; returns how many are new."""
    done = await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, event_id, urgent, due_at, expires_at)
        select * from unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::bool[],
                             $11::timestamptz[], $12::timestamptz[])
        on conflict do nothing
        """,
        *zip(*((plan.clinic_id, ids.new_id(plan.clinic_id), *plan[1:]) for plan in planned), strict=True),
    )
    return int(done.rsplit(" ", 1)[-1])


async def insert_for_user(
    tx: Statements, *, kind: str, user_id: UUID, clinic_id: int, subject_id: UUID, now: datetime, expires_at: datetime
) -> None:
    """Write down what a user is mailed about their account; nothing for one who has left. Its sequence is the count of
    their credentials."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, urgent, due_at, expires_at)
        select $1, $2, $3, $4::uuid::text, credentials, 'user', id::text, 'email', true, $6, $7 from app_user where id = $5 and active
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
    tx: Statements, *, code_id: UUID, customer_id: UUID | None, channel: Channel, now: datetime, expires_at: datetime
) -> None:
    """Write down that a customer is sent a code to sign in. It belongs to no clinic."""
    await tx.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, urgent, due_at, expires_at)
        select 0, $1, 'sign-in-code', $2::uuid::text, 0, 'customer', $3::uuid::text, $4, true, $5, $6 where $3 is not null
        """,
        ids.new_id(ids.PLATFORM),
        code_id,
        customer_id,
        channel,
        now,
        expires_at,
    )


async def supersede(tx: Statements, *, events: Sequence[Event], sequences: Sequence[int]) -> None:
    """What was to be told of the events' subjects before those sequences is not so any more."""
    await tx.execute(
        """
        update notification n
           set status = 'superseded', reason = 'the appointment has changed since', leased_until = null, version = version + 1, updated_at = now()
          from unnest($1::int[], $2::text[], $3::int[]) as e (clinic_id, subject_id, sequence)
         where n.clinic_id = e.clinic_id and n.subject_id = e.subject_id and n.sequence < e.sequence and n.status in ('queued', 'leased')
        """,
        [event.clinic_id for event in events],
        [event.subject_id for event in events],
        sequences,
    )


async def due_reminders(
    db: Statements,
    *,
    channels: Sequence[Channel],
    spread: timedelta,
    after: tuple[datetime, UUID],
    now: datetime,
    most: int,
) -> list[DueReminder]:
    """Appointments whose customers are to be reminded soon and are not planned to be, at all clinics; each with its
    share of the spread, once for each channel, or with none. In the order of their starts, from a place in it on.

    Those that would be due in quiet hours are found before these begin. One that is late, because no worker was there,
    still leaves until the next one's time; there is none for a time that was settled after it.
    """
    rows = await db.fetch(
        """
        with span as (  -- of the starts that each reminder of each clinic is due for
          select c.id as clinic_id, c.time_zone, c.quiet_from, c.quiet_until, r.minutes, $3::timestamptz + make_interval(mins => r.next) as after,
                 $3::timestamptz + make_interval(mins => r.minutes + 2) + $2
                 + make_interval(mins => coalesce((c.quiet_until - c.quiet_from + 1440) % 1440, 0)) as until
            from clinic c
           cross join lateral (select m as minutes, coalesce(max(m) over (order by m rows between unbounded preceding and 1 preceding), 0) as next
                                 from unnest(c.reminder_minutes) as m) as r
        ), due as materialized (
          select span.*, a.id, a.sequence, a.start_time, a.customer_id
            from span
           cross join lateral (select a.id, a.sequence, lower(a.during) as start_time, a.customer_id
                                 from appointment a
                                where a.clinic_id = span.clinic_id and lower(a.during) > span.after and lower(a.during) <= span.until and a.status = 'booked'
                                  and coalesce(a.rescheduled_at, a.created_at) < lower(a.during) - make_interval(mins => span.minutes) - $2
                                  and not exists (select from notification n
                                                   where n.clinic_id = span.clinic_id and n.subject_id = a.id::text and n.sequence = a.sequence
                                                     and n.kind = 'reminder-' || span.minutes)
                               offset 0) as a  -- looked up clinic by clinic
           where (a.start_time, a.id) > ($5::timestamptz, $6::uuid)
           order by a.start_time, a.id
           limit $4
        )
        select due.clinic_id, due.id, sequence, start_time, due.customer_id, w.channel, minutes,
               make_interval(secs => abs(hashtext(due.id::text)::bigint) % greatest(extract(epoch from $2::interval)::bigint, 1)) as ahead,
               time_zone, quiet_from, quiet_until
          from due
          left join lateral (select channel from customer_channel c where c.customer_id = due.customer_id and c.channel = any($1) offset 0) as w on true
         order by start_time, id
        """,
        channels,
        spread,
        now,
        most,
        *after,
    )
    return [DueReminder(*row.values()) for row in rows]


async def plan_agendas(db: Statements, *, lasting: timedelta, now: datetime) -> int:
    """Write down the mails with today's appointments for the doctors of all clinics where it is time, or was not long
    ago; returns how many are new."""
    done = await db.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at)
        select d.clinic_id, mint_id(d.clinic_id), 'agenda', d.id::text, today.date - date '2000-01-01', 'doctor', d.id::text, 'email', at_, at_ + $2
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
    return int(done.rsplit(" ", 1)[-1])
