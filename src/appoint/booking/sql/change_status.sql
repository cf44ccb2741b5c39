-- Change the status of a locked appointment and append the event. Confirming a hold makes the customer a patient.
with changed as (
  update appointment
     set status = :status, hold_expires_at = null, cancel_cause = case :status when 'cancelled' then 'request' end,
         cancel_reason = case when exists (select
                                             from customer c
                                            where c.id = appointment.customer_id and c.erased_at is null)
                              then :cancel_reason end,
         needs_rebooking = needs_rebooking and :status <> 'cancelled',
         only_held = status = 'pending' and :status = 'cancelled',
         overridden = case when :override_reason::text is null then overridden else overridden || '{too-late}' end,
         override_reason = case when :override_reason is null then override_reason
                                else concat_ws(E'\n', override_reason, :override_reason) end,
         undo_status = case when :by_clinic::boolean and status <> 'pending' then status end,
         stepped_at = case when :by_clinic and status <> 'pending' then :now::timestamptz end,
         sequence = sequence + (:status = 'cancelled')::integer, version = version + 1, updated_at = now()
   where clinic_id = :clinic_id and id = :appointment_id
  returning clinic_id, id, version, sequence, booking_id, doctor_id, customer_id, during, booker_id,
            old.status as old_status
), new_patients as (
  insert into patient (clinic_id, customer_id)
  select clinic_id, customer_id from changed where old_status = 'pending' and :status = 'booked'
   union
  select clinic_id, booker_id from changed where old_status = 'pending' and :status = 'booked' and booker_id is not null
  on conflict do nothing
)
insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
select clinic_id, :event, id::text, version,
       appointment_event_data(booking_id, doctor_id, customer_id, during, sequence,
                              jsonb_build_object('oldStatus', old_status)),
       :traceparent
  from changed
