-- Record how staff contact the patient of a locked appointment that needs rebooking, and append the event. Patients
-- without an address have to be called.
with asked as (
  update appointment a
     set rebook_by = case when exists (select
                                         from clinic_customer c
                                        where c.id = a.customer_id and num_nonnulls(c.email, c.phone) > 0)
                          then :by else 'phone' end,
         rebook_asked_at = :now, undo_status = status, stepped_at = :now, step_id = :step_id,
         version = version + 1, updated_at = now()
   where clinic_id = :clinic_id and id = :appointment_id and needs_rebooking
     and status in ('booked', 'arrived', 'checked-in')
  returning clinic_id, id, version, booking_id, doctor_id, customer_id, during, claimed, status, overridden,
            override_reason, arrived_at, in_room_at, rescheduled_at, sequence, restored_sequence, rebook_by,
            old.rebook_by as old_rebook_by, old.rebook_asked_at as old_rebook_asked_at
), step as (
  insert into appointment_step (clinic_id, step_id, appointment_id, taken_at, version, status, moved, doctor_id, during,
                                claimed, overridden, override_reason, needs_rebooking, arrived_at, in_room_at,
                                rescheduled_at, sequence, restored_sequence, rebook_by, rebook_asked_at)
  select clinic_id, :step_id, id, :now, version, status, false, doctor_id, during, claimed, overridden, override_reason,
         true, arrived_at, in_room_at, rescheduled_at, sequence, restored_sequence, old_rebook_by, old_rebook_asked_at
    from asked
), event as (
  insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
  select clinic_id, 'appointment.rebooking-asked', id::text, version,
         appointment_event_data(booking_id, doctor_id, customer_id, during, sequence,
                                jsonb_build_object('by', rebook_by)),
         :traceparent
    from asked
)
select exists (select from asked)
