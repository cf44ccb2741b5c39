-- Restore a locked appointment as it was before the clinic's last step, and append the event. The last message that
-- the patient received before the step is correct again, which `restored_sequence` records. An undone booking is
-- cancelled, and counts as little as a hold that was never confirmed.
with step as (  -- empty if a server from an earlier release took the step
  select s.*
    from appointment a
    join appointment_step s
      on s.clinic_id = :clinic_id and s.step_id = a.step_id and s.appointment_id = a.id and s.taken_at = a.stepped_at
   where a.clinic_id = :clinic_id and a.id = :appointment_id
), restored as (
  -- The step is read in a subquery, not joined, so that no loop repeats a scan of an appointment index.
  update appointment a
     set undo_status = null, stepped_at = null, step_id = null, cancel_reason = null,
         cancel_cause = case a.undo_status when 'cancelled' then 'undone' end, only_held = a.undo_status = 'cancelled',
         version = a.version + 1, updated_at = now(),
         (status, doctor_id, during, claimed, overridden, override_reason, needs_rebooking, arrived_at, in_room_at,
          rebook_by, rebook_asked_at, rescheduled_at, restored_sequence, sequence) = (
           select a.undo_status, coalesce(s.doctor_id, a.doctor_id), coalesce(s.during, a.during),
                  coalesce(s.claimed, a.claimed), coalesce(s.overridden, a.overridden),
                  case when s.step_id is null then a.override_reason else s.override_reason end,
                  case when s.moved or 'cancelled' in (a.status, a.undo_status) then coalesce(s.needs_rebooking, false)
                       else a.needs_rebooking end,
                  case when s.step_id is null then a.arrived_at else s.arrived_at end,
                  case when s.step_id is null then a.in_room_at else s.in_room_at end,
                  case when s.step_id is null then a.rebook_by else s.rebook_by end,
                  case when s.step_id is null then a.rebook_asked_at else s.rebook_asked_at end,
                  case when s.moved then s.rescheduled_at else a.rescheduled_at end,
                  case when s.moved or a.status = 'cancelled' then coalesce(s.restored_sequence, s.sequence)
                       else a.restored_sequence end,
                  a.sequence + (coalesce(s.moved, false) or 'cancelled' in (a.status, a.undo_status))::integer
             from (select) as one
             left join step s on true)
   where a.clinic_id = :clinic_id and a.id = :appointment_id
  returning a.clinic_id, a.id, a.version, a.sequence, a.booking_id, a.doctor_id, a.customer_id, a.during, a.status,
            old.status as old_status, old.doctor_id as old_doctor_id, old.during as old_during,
            coalesce((select moved from step), false) as moved, (select step_id from step) as step_id
), undone as (
  update appointment_step s
     set undone_version = r.version
    from restored r
   where s.clinic_id = :clinic_id and s.step_id = r.step_id and s.appointment_id = r.id
)
insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
select clinic_id,
       case when moved then 'appointment.rescheduled' when status = 'cancelled' then 'appointment.cancelled'
            else 'appointment.restored' end,
       id::text, version,
       appointment_event_data(booking_id, doctor_id, customer_id, during, sequence,
                              case when moved
                                   then jsonb_build_object('oldDoctorId', old_doctor_id,
                                                           'oldStartTime', lower(old_during),
                                                           'oldEndTime', upper(old_during))
                                   when status = 'cancelled' then jsonb_build_object('oldStatus', old_status)
                                   else jsonb_build_object('oldStatus', old_status, 'status', status) end),
       :traceparent
  from restored
