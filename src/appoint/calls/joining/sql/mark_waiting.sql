-- Record that the patient is in the waiting room, and append the event, unless they are there already.
with waiting as (
  update call
     set waiting_since = :now, version = version + 1
   where clinic_id = :clinic_id and id = :call_id and live_appointment_id is not null and waiting_since is null
  returning clinic_id, id, version, appointment_id, sequence
)
insert into event (clinic_id, type, subject_id, subject_version, data)
select clinic_id, 'call.waiting', id::text, version,
       jsonb_build_object('appointmentId', appointment_id, 'sequence', sequence)
  from waiting
