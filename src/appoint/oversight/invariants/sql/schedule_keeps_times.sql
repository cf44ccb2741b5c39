-- Each line of a weekly schedule that uses a time slot has the same times as that slot.
select line.id::text as subject
  from doctor_slot line
  left join time_slot slot on slot.clinic_id = line.clinic_id and slot.active_id = line.active_time_slot_id
 where line.clinic_id = :clinic_id and line.active_time_slot_id is not null
   and line.minutes is distinct from slot.minutes
 limit :limit
