-- The lines of a doctor's weekly schedule never overlap.
select line.id::text as subject
  from doctor_slot line
 where line.clinic_id = :clinic_id and line.active
   and exists (select
                 from doctor_slot other
                where other.clinic_id = line.clinic_id and other.doctor_id = line.doctor_id and other.id < line.id
                  and other.weekday = line.weekday and other.valid && line.valid
                  and other.active_minutes && line.active_minutes)
 limit :limit
