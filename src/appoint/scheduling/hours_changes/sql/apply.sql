-- Apply changes to published hours. This has to be one statement, because a slot with an appointment in it can only be
-- replaced before the foreign key within_hours is checked.
with deleted as (
  delete from booking_slot where clinic_id = :clinic_id and id = any(:deleted_ids)
  returning 1
), inserted as (
  insert into booking_slot (clinic_id, id, doctor_id, date, during, time_slot_id, remnant)
  select :clinic_id, mint_id(:clinic_id), doctor_id, date, tstzrange(starts, ends), time_slot_id, n > :slots
    from unnest(:doctor_ids::uuid[], :dates::date[], :starts::timestamptz[], :ends::timestamptz[],
                :time_slot_ids::uuid[])
         with ordinality as piece (doctor_id, date, starts, ends, time_slot_id, n)
   where (select count(*) from deleted) >= 0  -- insert only after deleting
), changed as (
  update appointment
     set needs_rebooking = id = any(:stranded_ids), version = version + 1, updated_at = now()
   where clinic_id = :clinic_id and (id = any(:stranded_ids) or id = any(:covered_ids))
  returning clinic_id, id, version, doctor_id, needs_rebooking
)
insert into event (clinic_id, type, subject_id, subject_version, data)
select clinic_id, case when needs_rebooking then 'appointment.stranded' else 'appointment.covered' end,
       id::text, version, jsonb_build_object('doctorId', doctor_id)
  from changed
