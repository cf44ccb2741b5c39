"""What a message says, read as it stands when the message leaves."""

from datetime import datetime
from uuid import UUID

from ....database.pool import Row, Statements
from ....kit import ids


async def context(db: Statements, *, notification_id: UUID, attempts: int) -> Row | None:
    """Return the notification with what it is about as that stands now: its appointment, customer, doctor and clinic,
    and the clinic's own words for it. None when it is no longer leased for this attempt."""
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
         where n.clinic_id = $1 and n.id = $2 and n.status = 'leased' and n.attempts = $3
        """,
        ids.clinic_of(notification_id),
        notification_id,
        attempts,
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
