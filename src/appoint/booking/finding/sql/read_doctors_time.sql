-- Return the doctors with their free time on a local date, or on the next :days days, the clinic's terms, and the
-- appointment types they offer, those in :type_ids first. If none of the clinic's doctors offers a type, patients book
-- whole slots.
with period as materialized (
  select c.id, c.time_zone, c.slot_step_minutes, c.min_notice_minutes, c.horizon_days,
         local_instant(day.first, 0, c.time_zone) as since,
         local_instant(day.first + case when :on is null then :days::integer else 1 end, 0, c.time_zone) as until
    from clinic c
   cross join lateral (
           select coalesce(:on::date, (:now::timestamptz at time zone c.time_zone)::date) as first
         ) as day
   where c.id = any(:clinic_ids) and c.active
)
select c.id as clinic_id, c.time_zone, c.slot_step_minutes, c.min_notice_minutes, c.horizon_days,
       d.id as doctor_id, d.name, d.title, d.specialty, d.specialties, d.languages, d.min_age, d.max_age, d.patients,
       offered.types,
       offered.types is null
       and not exists (select
                         from appointment_type t
                         join doctor e on e.clinic_id = c.id and e.active
                        where t.clinic_id = c.id and t.active
                          and (not exists (select
                                             from doctor_appointment_type o
                                            where o.clinic_id = c.id and o.doctor_id = e.id)
                               or exists (select
                                            from doctor_appointment_type o
                                           where o.clinic_id = c.id and o.doctor_id = e.id
                                             and o.appointment_type_id = t.id))) as whole_slots,
       published.*, claimed.*
  from unnest(:clinic_ids::integer[], :doctor_ids::uuid[]) as selected (clinic_id, doctor_id)
  join period c on c.id = selected.clinic_id
  join doctor d on d.clinic_id = c.id and d.id = selected.doctor_id and d.active
 cross join lateral (
         select json_agg(json_build_object(
                  'id', each.id, 'name', each.name, 'minutes', each.minutes, 'before', each.buffer_before_minutes,
                  'after', each.buffer_after_minutes, 'min_age', each.min_age, 'max_age', each.max_age,
                  'patients', each.patients, 'matches', each.id = any(:type_ids::uuid[])))::text as types
           from (select t.*
                   from appointment_type t
                  where t.clinic_id = c.id and t.active
                    and (not exists (select
                                       from doctor_appointment_type o
                                      where o.clinic_id = c.id and o.doctor_id = d.id)
                         or exists (select
                                      from doctor_appointment_type o
                                     where o.clinic_id = c.id and o.doctor_id = d.id and o.appointment_type_id = t.id))
                  order by t.id = any(:type_ids) desc, t.minutes, t.id
                  limit :max_types) as each
       ) as offered
 cross join lateral (
         select array_agg(s.id order by s.active_during) as slot_ids,
                array_agg(lower(s.active_during) order by s.active_during) as slot_starts,
                array_agg(upper(s.active_during) order by s.active_during) as slot_ends
           from booking_slot s
          where s.clinic_id = c.id and s.doctor_id = d.id and s.active_during && tstzrange(c.since, c.until)
       ) as published
 cross join lateral (
         select array_agg(lower(claim)) as claim_starts, array_agg(upper(claim)) as claim_ends
           from (select unnest(range_agg(a.active_claim)) as claim
                   from appointment a
                  where a.clinic_id = c.id and a.doctor_id = d.id
                    and a.active_claim && tstzrange(c.since - interval '12 hours',
                                                    c.until + interval '12 hours')) as claims
       ) as claimed
 order by c.id, d.id
