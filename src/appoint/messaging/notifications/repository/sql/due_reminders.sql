with span as (  -- the range of start times for which each clinic's reminders are due
  select c.id as clinic_id, c.time_zone, c.quiet_from, c.quiet_until, r.minutes,
         :now::timestamptz + make_interval(mins => r.next) as after,
         :now::timestamptz + make_interval(mins => r.minutes + 2) + :spread
         + make_interval(mins => coalesce((c.quiet_until - c.quiet_from + 1440) % 1440, 0)) as until
    from clinic c
   cross join lateral (
     select m as minutes,
            coalesce(max(m) over (order by m rows between unbounded preceding and 1 preceding), 0) as next
       from unnest(c.reminder_minutes) as m) as r
), first as materialized (
  select span.*, a.id, a.sequence, a.start_time, a.customer_id, a.booking_id
    from span
   cross join lateral (
     select a.id, a.sequence, lower(a.during) as start_time, a.customer_id, a.booking_id
       from appointment a
      where a.clinic_id = span.clinic_id
        and lower(a.during) > span.after and lower(a.during) <= span.until and a.status = 'booked'
        and not a.needs_rebooking
        and coalesce(a.rescheduled_at, a.created_at)
            < lower(a.during) - make_interval(mins => span.minutes) - :spread
        and not exists (
          select from notification n
           where n.clinic_id = span.clinic_id and n.subject_id = a.id::text
             and (n.sequence = a.sequence or n.sequence = a.restored_sequence and n.status <> 'superseded')
             and n.kind = 'reminder-' || span.minutes)
     offset 0) as a  -- reads one clinic at a time
   where (a.start_time, a.id) > (:after_start::timestamptz, :after_id::uuid)
   order by a.start_time, a.id
   limit :limit
), due as (
  select distinct on (a.id, first.minutes)
         first.clinic_id, a.id, a.sequence, a.start_time, a.customer_id, first.minutes, first.time_zone,
         first.quiet_from, first.quiet_until, first.start_time as first_start, first.id as first_id
    from first
   cross join lateral (
     select first.id, first.sequence, first.start_time, first.customer_id
     union all
     (select a.id, a.sequence, lower(a.during), a.customer_id
        from appointment a
       where a.clinic_id = first.clinic_id and a.id <> first.id
         and (a.customer_id = first.customer_id or a.booking_id = first.booking_id)
         and lower(a.during) between first.start_time and first.start_time + make_interval(mins => first.minutes / 2)
         and (lower(a.during) at time zone first.time_zone)::date
             = (first.start_time at time zone first.time_zone)::date
         and a.status = 'booked' and not a.needs_rebooking
         and coalesce(a.rescheduled_at, a.created_at)
             < lower(a.during) - make_interval(mins => first.minutes) - :spread
         and not exists (
           select from notification n
            where n.clinic_id = first.clinic_id and n.subject_id = a.id::text
              and (n.sequence = a.sequence or n.sequence = a.restored_sequence and n.status <> 'superseded')
              and n.kind = 'reminder-' || first.minutes)
      offset 0)) as a
   order by a.id, first.minutes, first.start_time, first.id
)
select due.clinic_id, due.id, due.sequence, due.start_time, coalesce(w.recipient_id, due.customer_id) as customer_id,
       w.channel, due.minutes,
       make_interval(secs => abs(hashtext(due.first_id::text)::bigint)
                             % greatest(extract(epoch from :spread::interval)::bigint, 1)) as ahead,
       due.time_zone, due.quiet_from, due.quiet_until,
       case w.channel when 'email' then w.email when 'sms' then w.phone end as address,
       (select upper(a.during)
          from appointment a
          join appointment_type t
            on t.clinic_id = due.clinic_id and t.id = a.appointment_type_id and t.mode = 'online'
         where a.clinic_id = due.clinic_id and a.id = due.id) as joinable_until,
       due.first_start, due.first_id
  from due
  left join lateral (
    select c.recipient_id, c.channel, coalesce(o.corrected_email, cu.email) as email,
           coalesce(o.corrected_phone, cu.phone) as phone
      from clinic_recipient c
      join customer cu on cu.id = c.recipient_id
      left join patient o on o.clinic_id = c.clinic_id and o.customer_id = c.recipient_id
     where c.clinic_id = due.clinic_id and c.customer_id = due.customer_id and c.channel = any(:channels)
    offset 0
  ) as w on true
 order by due.first_start, due.first_id, due.start_time
