-- Return the time of every active doctor at the clinics on a local date, or on the next :days days, with the clinic's
-- terms and the shortest appointment type that the doctor offers. There is no type if patients book the clinic's slots
-- whole.
select c.id as clinic_id, c.time_zone, c.slot_step_minutes, c.min_notice_minutes, c.horizon_days, shortest.*,
       d.id as doctor_id, published.*, claimed.*
  from unnest(:clinic_ids::integer[]) as selected (id)
  join clinic c on c.id = selected.id and c.active
 cross join lateral (
         select coalesce(:on::date, (:now::timestamptz at time zone c.time_zone)::date) as first
       ) as day
 cross join lateral (
         select local_instant(day.first, 0, c.time_zone) as since,
                local_instant(day.first + case when :on is null then :days::integer else 1 end, 0,
                              c.time_zone) as until
       ) as period
  join doctor d on d.clinic_id = c.id and d.active
               and (:specialty::text is null or folded(d.specialty) = (select folded(:specialty)))
 cross join lateral (
         select t.minutes, make_interval(mins => t.buffer_before_minutes) as before,
                make_interval(mins => t.buffer_after_minutes) as after
           from appointment_type t
          where t.clinic_id = c.id and t.active
            and (not exists (select from doctor_appointment_type o where o.clinic_id = c.id and o.doctor_id = d.id)
                 or exists (select
                              from doctor_appointment_type o
                             where o.clinic_id = c.id and o.doctor_id = d.id and o.appointment_type_id = t.id))
          union all
         select null, interval '0', interval '0'
          where not exists (
                  select
                    from appointment_type t
                    join doctor e on e.clinic_id = c.id and e.active
                   where t.clinic_id = c.id and t.active
                     and (not exists (select
                                        from doctor_appointment_type o
                                       where o.clinic_id = c.id and o.doctor_id = e.id)
                          or exists (select
                                       from doctor_appointment_type o
                                      where o.clinic_id = c.id and o.doctor_id = e.id
                                        and o.appointment_type_id = t.id)))
          order by minutes, before, after
          limit 1
       ) as shortest
 cross join lateral (
         select array_agg(s.id order by s.active_during) as slot_ids,
                array_agg(lower(s.active_during) order by s.active_during) as slot_starts,
                array_agg(upper(s.active_during) order by s.active_during) as slot_ends
           from booking_slot s
          where s.clinic_id = c.id and s.doctor_id = d.id and s.active_during && tstzrange(since, until)
       ) as published
 cross join lateral (
         select array_agg(lower(claim)) as claim_starts, array_agg(upper(claim)) as claim_ends
           from (select unnest(range_agg(a.active_claim)) as claim
                   from appointment a
                  where a.clinic_id = c.id and a.doctor_id = d.id
                    and a.active_claim && tstzrange(since - shortest.before, until + shortest.after)) as claims
       ) as claimed
