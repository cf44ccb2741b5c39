-- Restore the status of a locked appointment from before the clinic's last step, and append the event.
with restored as (
  update appointment
     set status = undo_status, undo_status = null, stepped_at = null, cancel_cause = null, cancel_reason = null,
         only_held = false, sequence = sequence + (status = 'cancelled')::integer, version = version + 1,
         updated_at = now()
   where clinic_id = :clinic_id and id = :appointment_id
  returning clinic_id, id, version, sequence, booking_id, doctor_id, customer_id, during, status,
            old.status as old_status
)
insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
select clinic_id, 'appointment.restored', id::text, version,
       appointment_event_data(booking_id, doctor_id, customer_id, during, sequence,
                              jsonb_build_object('oldStatus', old_status, 'status', status)),
       :traceparent
  from restored
