-- Return published slots of active doctors across clinics, on each clinic's own local dates, ordered by (since, clinic,
-- doctor), after the place (:place_start, :place_clinic_id, :place_doctor_id) and before :until. `since` is the
-- earliest start in the slot that the clinic's notice allows and that comes after the caller's cursor.
with requested as materialized (  -- empty if the appointment type does not exist
  select minutes, make_interval(mins => buffer_before_minutes) as before,
         make_interval(mins => buffer_after_minutes) as after
    from appointment_type
   where clinic_id = :clinic_id and id = :type_id and active
   union all
  select :minutes::smallint, interval '0', interval '0' where :type_id is null
), full_day as materialized (
  select f.clinic_id, f.doctor_id, f.date
    from requested
   cross join full_days(:clinic_id, greatest(:first, (:place_start::timestamptz - interval '39 hours')::date),
                        least(:last, (:until::timestamptz + interval '15 hours')::date), coalesce(minutes, 1)) f
), slot as materialized (  -- read using only the index on starts, before any other join
  select s.clinic_id, s.doctor_id, s.date, s.active_during
    from booking_slot s
   where s.removed_at is null
     and lower(s.active_during) > :place_start - interval '25 hours'  -- no slot is longer than a day
     and lower(s.active_during) < :until
     and s.clinic_id between coalesce(:clinic_id, 1) and coalesce(:clinic_id, 2147483647)
     and upper(s.active_during) > :place_start
     and s.date between :first and :last
     -- `not exists` could compare each slot with each of these days
     and (s.clinic_id, s.doctor_id, s.date) not in (select f.clinic_id, f.doctor_id, f.date from full_day f)
), next as materialized (
  select c.id as clinic_id, c.name as clinic_name, c.time_zone, c.slot_step_minutes, c.min_notice_minutes,
         c.horizon_days, d.id as doctor_id, d.name as doctor_name, d.specialty, requested.*, starting.since,
         s.active_during as during
    from requested
   cross join slot s
    join clinic c on c.id = s.clinic_id and c.active
    join doctor d on d.clinic_id = s.clinic_id and d.id = s.doctor_id and d.active
   cross join lateral (  -- for that start, doctors up to the cursor's have already been returned
           select greatest(lower(s.active_during),
                           :now::timestamptz + make_interval(mins => c.min_notice_minutes),
                           :after_start::timestamptz
                           + case when (s.clinic_id, s.doctor_id) <= (:after_clinic_id, :after_doctor_id::uuid)
                                  then interval '1 microsecond'
                                  else '0' end) as since
         ) as starting
   where since < upper(s.active_during)
     and since < :until
     and (since, c.id, d.id) > (:place_start, :place_clinic_id::integer, :place_doctor_id::uuid)
     -- later dates cannot be booked, so there is no need to read them
     and s.date <= (:now at time zone c.time_zone)::date + c.horizon_days
     and (:specialty::text is null or folded(d.specialty) = (select folded(:specialty)))
     and (:type_id is null
          or not exists (select
                           from doctor_appointment_type o
                          where o.clinic_id = d.clinic_id and o.doctor_id = d.id)
          or exists (select
                       from doctor_appointment_type o
                      where o.clinic_id = d.clinic_id and o.doctor_id = d.id and o.appointment_type_id = :type_id))
   order by since, c.id, d.id
   limit :limit
)
select n.*, published.*, claimed.*
  from next n
 cross join lateral (
         select array_agg(s.id order by s.active_during) as slot_ids,
                array_agg(lower(s.active_during) order by s.active_during) as slot_starts,
                array_agg(upper(s.active_during) order by s.active_during) as slot_ends
           from booking_slot s
          where s.clinic_id = n.clinic_id and s.doctor_id = n.doctor_id
            and s.active_during && tstzrange(lower(n.during),
                                             upper(n.during) + make_interval(mins => coalesce(n.minutes, 0)))
       ) as published
 cross join lateral (
         select array_agg(lower(claim)) as claim_starts, array_agg(upper(claim)) as claim_ends
           from (select unnest(range_agg(a.active_claim)) as claim
                   from appointment a
                  where a.clinic_id = n.clinic_id and a.doctor_id = n.doctor_id
                    and a.active_claim && tstzrange(n.since - n.before,
                                                    upper(n.during) + make_interval(mins => coalesce(n.minutes, 0))
                                                    + n.after)) as claims
       ) as claimed
 order by n.since, n.clinic_id, n.doctor_id
