with span as (  -- the start times for which each clinic's reminders are due
  select c.id as clinic_id, c.time_zone, c.quiet_from, c.quiet_until, r.minutes,
         :now::timestamptz + make_interval(mins => r.next) as after,
         :now::timestamptz + make_interval(mins => r.minutes + 2) + :spread
         + make_interval(mins => coalesce((c.quiet_until - c.quiet_from + 1440) % 1440, 0)) as until
    from clinic c
   cross join lateral (
     select m as minutes,
            coalesce(max(m) over (order by m rows between unbounded preceding and 1 preceding), 0) as next
       from unnest(c.reminder_minutes) as m) as r
), due as materialized (
  select span.*, a.id, a.sequence, a.start_time, a.customer_id
    from span
   cross join lateral (
     select a.id, a.sequence, lower(a.during) as start_time, a.customer_id
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
)
select due.clinic_id, due.id, sequence, start_time, due.customer_id, w.channel, minutes,
       make_interval(secs => abs(hashtext(due.id::text)::bigint)
                             % greatest(extract(epoch from :spread::interval)::bigint, 1)) as ahead,
       time_zone, quiet_from, quiet_until
  from due
  left join lateral (
    select channel
      from clinic_channel c
     where c.clinic_id = due.clinic_id and c.customer_id = due.customer_id and c.channel = any(:channels)
    offset 0
  ) as w on true
 order by start_time, id
