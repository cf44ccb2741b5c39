-- Every active appointment is within its doctor's published hours.
select a.id::text as subject
  from appointment a
 where a.clinic_id = :clinic_id and a.active_during is not null
   and not coalesce((select range_agg(s.active_during)
                       from booking_slot s
                      where s.clinic_id = a.clinic_id and s.doctor_id = a.doctor_id
                        and s.active_during && a.active_during) @> a.active_during,
                    false)
 limit :limit
