-- Return doctors' published slots and claims on a range of local dates. Leave out doctors who are inactive or whose
-- version in the caller's catalogue is out of date.
with period as materialized (  -- empty if the clinic or the appointment type has changed
  select local_instant(:first, 0, :time_zone) as since, local_instant(:last::date + 1, 0, :time_zone) as until
   where exists (select from clinic where id = :clinic_id and version = :clinic_version and active)
     and (:type_id::uuid is null
          or exists (select
                       from appointment_type
                      where clinic_id = :clinic_id and id = :type_id and version = :type_version and active))
)
select d.id as doctor_id, published.*, claimed.*
  from period
 cross join unnest(:doctor_ids::uuid[], :doctor_versions::int[]) as cached (id, version)
  join doctor d on d.clinic_id = :clinic_id and d.id = cached.id and d.version = cached.version and d.active
 cross join lateral (
         select array_agg(s.id order by s.active_during) as slot_ids,
                array_agg(lower(s.active_during) order by s.active_during) as slot_starts,
                array_agg(upper(s.active_during) order by s.active_during) as slot_ends
           from booking_slot s
          where s.clinic_id = :clinic_id and s.doctor_id = d.id and s.active_during && tstzrange(since, until)
       ) as published
 cross join lateral (
         select array_agg(lower(claim)) as claim_starts, array_agg(upper(claim)) as claim_ends
           from (select unnest(range_agg(a.active_claim)) as claim
                   from appointment a
                  where a.clinic_id = :clinic_id and a.doctor_id = d.id
                    and a.active_claim && tstzrange(since - :before::interval, until + :after::interval)) as claims
       ) as claimed
 order by d.id
