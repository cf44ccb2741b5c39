-- Change the status of a locked appointment and append the event. Confirming a hold makes the customer a patient. If
-- the clinic takes this step, keep what is needed to undo it.
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
         undo_status = case when :step_id::uuid is not null and status <> 'pending' then status end,
         stepped_at = case when :step_id is not null and status <> 'pending' then :now::timestamptz end,
         step_id = case when status <> 'pending' then :step_id end,
         arrived_at = case when status in ('arrived', 'checked-in') then arrived_at
                           when :status in ('arrived', 'checked-in') then :now end,
         in_room_at = case when :in_room::boolean then :now when status = 'checked-in' then in_room_at end,
         restored_sequence = case :status when 'cancelled' then null else restored_sequence end,
         sequence = sequence + (:status = 'cancelled')::integer, version = version + 1, updated_at = now()
   where clinic_id = :clinic_id and id = :appointment_id
  returning clinic_id, id, version, sequence, booking_id, doctor_id, customer_id, during, booker_id, step_id,
            old.status as old_status, old.claimed as claimed, old.overridden as overridden,
            old.override_reason as override_reason, old.needs_rebooking as needs_rebooking,
            old.arrived_at as arrived_at, old.in_room_at as in_room_at, rescheduled_at, old.sequence as old_sequence,
            old.restored_sequence as restored_sequence, rebook_by, rebook_asked_at
), step as (
  insert into appointment_step (clinic_id, step_id, appointment_id, taken_at, version, status, moved, doctor_id, during,
                                claimed, overridden, override_reason, needs_rebooking, arrived_at, in_room_at,
                                rescheduled_at, sequence, restored_sequence, rebook_by, rebook_asked_at)
  select clinic_id, step_id, id, :now, version, old_status, false, doctor_id, during, claimed, overridden,
         override_reason, needs_rebooking, arrived_at, in_room_at, rescheduled_at, old_sequence, restored_sequence,
         rebook_by, rebook_asked_at
    from changed
   where step_id is not null
), new_patients as (
  insert into patient (clinic_id, customer_id)
  select clinic_id, customer_id from changed where old_status in ('pending', 'cancelled') and :status = 'booked'
   union
  select clinic_id, booker_id
    from changed
   where old_status in ('pending', 'cancelled') and :status = 'booked' and booker_id is not null
  on conflict do nothing
)
insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
select clinic_id, :event, id::text, version,
       appointment_event_data(booking_id, doctor_id, customer_id, during, sequence,
                              jsonb_build_object('oldStatus', old_status)),
       :traceparent
  from changed
