-- Record that the doctor is in the call, which lets the patient in. Append the event if the call was not open yet.
with opened as (
  update call
     set state = 'open', opened_at = coalesce(opened_at, :now), doctor_joined_at = coalesce(doctor_joined_at, :now),
         version = version + 1
   where clinic_id = :clinic_id and id = :call_id and state in ('made', 'open')
  returning clinic_id, id, version, appointment_id, sequence, old.state as old_state
), event as (
  insert into event (clinic_id, type, subject_id, subject_version, data)
  select clinic_id, 'call.opened', id::text, version,
         jsonb_build_object('appointmentId', appointment_id, 'sequence', sequence)
    from opened
   where old_state = 'made'
)
select exists (select from opened)
