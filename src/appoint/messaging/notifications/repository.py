"""Everything the notification table is asked. What workers do with it goes through all clinics."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ...database import queue
from ...database.pool import Row, Statements, Transaction, to
from ...events.model import Event
from ...kit import ids
from ..channels.model import Channel
from .model import Address, DueReminder, Notification, NotificationStatus, Planned


async def addresses(
    tx: Statements, *, events: Sequence[tuple[int, UUID, UUID | None]], channels: Sequence[Channel]
) -> list[Address]:
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
    return [Address(*row.values()) for row in rows]


async def add(tx: Statements, planned: Sequence[Planned]) -> int:
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


async def add_for_user(
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


async def add_code(
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


async def hand_over(tx: Transaction, *, channel: Channel, lease: timedelta, most: int, now: datetime) -> int:
    """Lease what is due, urgent first, and give it to the queue; returns how many. What a worker had and has not
    finished in time is due again.

    No more than `most` are leased at a time, so that something urgent never waits behind a long queue.
    """
    rows = await tx.fetch(
        """
        with room as (
          select greatest($4 - count(*), 0) as places from notification where channel = $1 and status = 'leased' and leased_until > $2
        ), waiting as (
          select ctid from notification
           where channel = $1 and status = 'queued' and due_at <= $2
           order by urgent desc, due_at
           limit (select places from room)
             for update skip locked
        ), lost as (
          select ctid from notification
           where channel = $1 and status = 'leased' and leased_until <= $2
           limit (select places from room)
             for update skip locked
        )
        update notification n
           set status = 'leased', leased_until = $2::timestamptz + $3::interval
         where n.ctid = any(array(table waiting union all table lost))  -- they are locked; how few they are, no planner can know
        returning n.id, n.urgent, n.attempts
        """,
        channel,
        now,
        lease,
        most,
    )
    if rows:
        payloads: list[bytes | None] = [f"{row.id} {row.attempts}".encode() for row in rows]
        await queue.queries(tx.connection).enqueue(
            [f"send-{channel}"] * len(rows), payloads, [int(row.urgent) for row in rows]
        )
    return len(rows)


async def begin(db: Statements, *, notification_id: UUID, attempts: int, leased_until: datetime) -> bool:
    """Start to send what was leased after so many attempts; False when somebody else has started by now, or it is not
    to be sent any more."""
    return (
        await db.fetchval(
            """
        update notification set leased_until = $4, attempts = attempts + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and status = 'leased' and attempts = $3
        returning true
        """,
            ids.clinic_of(notification_id),
            notification_id,
            attempts,
            leased_until,
        )
        or False
    )


async def renew(db: Statements, *, notification_id: UUID, attempts: int, leased_until: datetime) -> None:
    """The attempt that was begun goes on."""
    await db.execute(
        "update notification set leased_until = $4 where clinic_id = $1 and id = $2 and status = 'leased' and attempts = $3",
        ids.clinic_of(notification_id),
        notification_id,
        attempts,
        leased_until,
    )


async def facts(db: Statements, *, notification_id: UUID) -> Row | None:
    """The notification with what it is about as that stands now: its appointment, customer, doctor and clinic, and the
    clinic's own words for it."""
    return await db.fetchrow(
        """
        select n.*,
               c.name as clinic, c.phone as clinic_phone, c.email as clinic_email, c.address as clinic_address, c.time_zone, c.quiet_from, c.quiet_until,
               a.status as appointment_status, a.sequence as appointment_sequence, lower(a.during) as start_time, upper(a.during) as end_time, a.hold_expires_at,
               t.name as type, coalesce(t.mode, 'inPerson') as mode,
               cu.name as customer, cu.email as customer_email, cu.phone as customer_phone, cu.time_zone as customer_time_zone, cu.active as customer_active,
               cu.updated_at as customer_updated_at,
               exists (select from customer_channel w where w.customer_id = cu.id and w.channel = n.channel) as wanted,
               u.name as user, u.email as user_email, u.credentials as user_credentials, s.used_at as code_used_at,
               d.name as doctor, d.email as doctor_email, d.active as doctor_active,
               coalesce(cu.locale, u.locale, c.locale, 'en') as locale, (e.data ->> 'oldStartTime')::timestamptz as old_start_time,
               m.subject as own_subject, m.text as own_text, coalesce(h.description, split_part(h.url, '?', 1)) as webhook
          from notification n
          left join clinic c on c.id = n.clinic_id
          left join appointment a on a.clinic_id = n.clinic_id and a.id = case when n.recipient = 'customer' then n.subject_id::uuid end
          left join appointment_type t on t.clinic_id = n.clinic_id and t.id = a.appointment_type_id
          left join customer cu on cu.id = case when n.recipient = 'customer' then n.recipient_id::uuid end
          left join doctor d on d.clinic_id = n.clinic_id and d.id = coalesce(a.doctor_id, case when n.recipient = 'doctor' then n.recipient_id::uuid end)
          left join event_log e on e.clinic_id = n.clinic_id and e.id = n.event_id
          left join message_template m on m.clinic_id = n.clinic_id and m.kind = regexp_replace(n.kind, '-[0-9]+$', '') and m.channel = n.channel
                                      and m.locale = coalesce(cu.locale, c.locale)
          left join webhook h on h.clinic_id = n.clinic_id and h.id = case when n.kind = 'webhook-disabled' then n.subject_id::uuid end
          left join app_user u on u.id = case when n.recipient = 'user' then n.recipient_id::uuid end and u.active
          left join sign_in_code s on s.id = case when n.kind = 'sign-in-code' then n.subject_id::uuid end
         where n.clinic_id = $1 and n.id = $2
        """,
        ids.clinic_of(notification_id),
        notification_id,
    )


async def appointments_of_day(db: Statements, *, clinic_id: int, doctor_id: UUID, day: int) -> list[Row]:
    """A doctor's live appointments on a date, counted from 1 January 2000, in their order."""
    return await db.fetch(
        """
        select lower(a.during) as start_time, upper(a.during) as end_time, cu.name as customer, t.name as type, d.name as doctor
          from clinic c
          join doctor d on d.clinic_id = c.id and d.id = $2
          join appointment a on a.clinic_id = c.id and a.doctor_id = d.id
                            and a.active_claim && tstzrange(local_instant(date '2000-01-01' + $3::int, 0, c.time_zone), local_instant(date '2000-01-01' + $3::int + 1, 0, c.time_zone))
          join customer cu on cu.id = a.customer_id
          left join appointment_type t on t.clinic_id = c.id and t.id = a.appointment_type_id
         where c.id = $1 and a.status <> 'pending'
         order by a.during
        """,
        clinic_id,
        doctor_id,
        day,
    )


async def stranded_appointments(db: Statements, *, clinic_id: int, now: datetime, most: int) -> list[Row]:
    """The clinic's appointments to come that need rebooking, earliest first."""
    return await db.fetch(
        """
        select lower(a.during) as start_time, upper(a.during) as end_time, cu.name as customer, t.name as type, d.name as doctor
          from appointment a
          join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
          join customer cu on cu.id = a.customer_id
          left join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
         where a.clinic_id = $1 and lower(a.during) > $2 and a.needs_rebooking and a.active_during is not null
         order by lower(a.during)
         limit $3
        """,
        clinic_id,
        now,
        most,
    )


async def finish(
    db: Statements,
    *,
    notification_id: UUID,
    status: NotificationStatus,
    reason: str | None,
    provider_id: str | None = None,
    now: datetime,
) -> None:
    """What became of a notification. One that was sent is sent, whatever was decided about it meanwhile."""
    await db.execute(
        """
        update notification
           set status = $3, reason = $4, provider_id = coalesce($5, provider_id), sent_at = case when $3 = 'sent' then $6::timestamptz end,
               leased_until = null, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and (status = 'leased' or $3 = 'sent')
        """,
        ids.clinic_of(notification_id),
        notification_id,
        status,
        reason,
        provider_id,
        now,
    )


async def put_off(db: Statements, *, notification_id: UUID, due_at: datetime, reason: str) -> None:
    """It could not be sent now; it is due again then."""
    await db.execute(
        """
        update notification set status = 'queued', leased_until = null, due_at = $3, reason = $4, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and status = 'leased'
        """,
        ids.clinic_of(notification_id),
        notification_id,
        due_at,
        reason,
    )


async def delivered(
    db: Statements, *, notification_id: UUID, provider_id: str, arrived: bool, reason: str | None, now: datetime
) -> bool:
    """The provider's word of what became of a message that it took: it has arrived, or never will. False where it took
    none of that id."""
    return (
        await db.fetchval(
            """
        update notification
           set status = case when $4 then 'sent' else 'dead' end, sent_at = case when $4 then sent_at end, delivered_at = case when $4 then $6::timestamptz end,
               reason = $5, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and provider_id = $3 and status = 'sent'
        returning true
        """,
            ids.clinic_of(notification_id),
            notification_id,
            provider_id,
            arrived,
            reason,
            now,
        )
        or False
    )


async def find(db: Statements, notification_id: UUID) -> Notification | None:
    row = await db.fetchrow(
        "select * from notification where clinic_id = $1 and id = $2", ids.clinic_of(notification_id), notification_id
    )
    return to(Notification, row) if row else None


async def lock(tx: Statements, notification_id: UUID) -> Notification | None:
    """The notification, which nobody else changes until the transaction ends."""
    row = await tx.fetchrow(
        "select * from notification where clinic_id = $1 and id = $2 for no key update",
        ids.clinic_of(notification_id),
        notification_id,
    )
    return to(Notification, row) if row else None


async def queue_again(tx: Statements, notification_id: UUID, *, now: datetime) -> None:
    """It is sent once more, as a message of its own to providers that would drop a repeated one."""
    await tx.execute(
        """
        update notification
           set status = 'queued', due_at = $3, attempts = 0, round = round + 1, sent_at = null, delivered_at = null, reason = null,
               expires_at = greatest(expires_at, case when recipient in ('doctor', 'staff') then $3::timestamptz + interval '1 day' end),
               version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        """,
        ids.clinic_of(notification_id),
        notification_id,
        now,
    )


async def of_clinic(
    db: Statements,
    *,
    clinic_id: int,
    status: NotificationStatus | None,
    subject_id: str | None,
    after: tuple[UUID] | None,
    limit: int,
) -> list[Notification]:
    """A clinic's notifications, oldest first; one more than `limit` when the list goes on."""
    rows = await db.fetch(
        """
        select * from notification
         where clinic_id = $1 and id > $4 and ($2::text is null or status = $2) and ($3::text is null or subject_id = $3)
         order by id
         limit $5 + 1
        """,
        clinic_id,
        status,
        subject_id,
        after[0] if after else UUID(int=0),
        limit,
    )
    return [to(Notification, row) for row in rows]


async def newest(
    db: Statements, *, clinic_id: int, status: str | None, customer_id: str | None, before: UUID | None, limit: int
) -> list[Row]:
    """A clinic's notifications with whom they are for (`name`, where it is a person), newest first; one more than
    `limit` when there are more."""
    return await db.fetch(
        """
        select n.id, n.kind, n.recipient, n.recipient_id, n.channel, n.status, n.due_at, n.attempts, n.sent_at, n.delivered_at, n.reason,
               coalesce(cu.name, d.name, m.name, u.name) as name
          from notification n
          left join lateral (select name from clinic_customer where id = case when n.recipient = 'customer' then n.recipient_id::uuid end offset 0) cu on true
          left join doctor d on d.clinic_id = n.clinic_id and d.id = case when n.recipient = 'doctor' then n.recipient_id::uuid end
          left join membership m on m.clinic_id = n.clinic_id and m.user_id = case when n.recipient = 'user' then n.recipient_id::uuid end
          left join app_user u on u.id = m.user_id
         where n.clinic_id = $1
           and ($2::text is null or n.status = $2)
           and ($3::text is null or (n.recipient = 'customer' and n.recipient_id = $3))
           and ($4::uuid is null or n.id < $4)
         order by n.id desc
         limit $5 + 1
        """,
        clinic_id,
        status,
        customer_id,
        before,
        limit,
    )


async def count_dead(db: Statements, clinic_id: int) -> int:
    return await db.fetchval("select count(*) from notification where clinic_id = $1 and status = 'dead'", clinic_id)


async def dead(db: Statements, *, clinic_id: int | None, most: int) -> list[Row]:
    """Notifications that will not be sent, newest first, of one clinic or all."""
    return await db.fetch(
        """
        select clinic_id, id, kind, channel, recipient, attempts, reason, due_at, updated_at
          from notification
         where status = 'dead' and ($1::int is null or clinic_id = $1)
         order by updated_at desc
         limit $2
        """,
        clinic_id,
        most,
    )


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


async def prefer(tx: Statements, customer_id: UUID, *, email: bool | None, sms: bool | None) -> None:
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


async def keep_tokens(db: Statements, *, channel: Channel, per_second: int) -> None:
    """The provider of a channel takes so many calls a second."""
    await db.execute(
        """
        with gone as (
          delete from send_token where channel = $1 and number > $2
        )
        insert into send_token (channel, number) select $1, generate_series(1, $2) on conflict do nothing
        """,
        channel,
        per_second,
    )


async def take_token(db: Statements, *, channel: Channel, longest: timedelta) -> int | None:
    """The right to call a channel's provider, for as long at most; None when all are in use. By the database's own
    clock, which all workers share."""
    return await db.fetchval(
        """
        update send_token set free_at = clock_timestamp() + $2::interval
         where channel = $1 and number = (select number from send_token
                                           where channel = $1 and free_at <= clock_timestamp()
                                           order by free_at limit 1 for update skip locked)
        returning number
        """,
        channel,
        longest,
    )


async def give_back_token(db: Statements, *, channel: Channel, number: int, after: timedelta) -> None:
    """The token is free again after that: a second when the call has ended, longer while it goes on."""
    await db.execute(
        "update send_token set free_at = clock_timestamp() + $3::interval where channel = $1 and number = $2",
        channel,
        number,
        after,
    )
