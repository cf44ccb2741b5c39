-- Move a locked appointment in place; it may overlap its own old time. Withdraw hours that were published for it alone.
-- If hours are overridden, publish any that the new time needs. If the clinic takes this step, keep what is needed to
-- undo it. If a waiting patient's appointment moves to a different day, its status returns to `booked`.
with withdrawn as materialized (
  delete from booking_slot s
   using appointment a
   where a.clinic_id = :clinic_id and a.id = :appointment_id
     and (a.doctor_id <> :doctor_id or a.during <> tstzrange(:starts_at, :ends_at))
     and s.clinic_id = :clinic_id and s.doctor_id = a.doctor_id and s.remnant and s.active_during <@ a.during
  returning s.clinic_id, s.id, s.version, s.doctor_id, s.during, s.source
), published as (
  insert into booking_slot (clinic_id, id, doctor_id, date, during, source, remnant)
  select :clinic_id, mint_id(:clinic_id), :doctor_id, (lower(piece) at time zone c.time_zone)::date, piece, 'manual',
         true
    from clinic c
   cross join unnest(tstzmultirange(tstzrange(:starts_at, :ends_at))
                     - coalesce((select range_agg(s.active_during)
                                   from booking_slot s
                                  where s.clinic_id = :clinic_id and s.doctor_id = :doctor_id
                                    and s.active_during && tstzrange(:starts_at, :ends_at)
                                    and s.id not in (select id from withdrawn)), '{}')) as piece
   where c.id = :clinic_id and 'outside-hours' = any(:overrides::text[])
  returning clinic_id, id, version, doctor_id, during
), slot_events as (
  insert into event (clinic_id, type, subject_id, subject_version, data)
  select clinic_id, type, id::text, version, slot_event_data(doctor_id, during)
    from (select clinic_id, 'slot.withdrawn' as type, id, version, doctor_id, during
            from withdrawn
           where source = 'manual'
           union all
          select clinic_id, 'slot.published', id, version, doctor_id, during from published) as slots
), moved as (
  update appointment a
     set doctor_id = :doctor_id, during = tstzrange(:starts_at, :ends_at),
         claimed = tstzrange(:claimed_from, :claimed_until), version = version + 1, updated_at = now(),
         sequence = sequence + (doctor_id <> :doctor_id or during <> tstzrange(:starts_at, :ends_at))::integer,
         rescheduled_at = :now, restored_sequence = null, rebook_by = null, rebook_asked_at = null,
         undo_status = case when :step_id::uuid is not null and status <> 'pending' then status end,
         stepped_at = case when :step_id is not null and status <> 'pending' then :now::timestamptz end,
         step_id = case when status <> 'pending' then :step_id end,
         status = case when status in ('arrived', 'checked-in') and not :same_day::boolean then 'booked'
                       else status end,
         arrived_at = case when :same_day then arrived_at end, in_room_at = case when :same_day then in_room_at end,
         needs_rebooking = needs_rebooking and doctor_id = :doctor_id and during = tstzrange(:starts_at, :ends_at),
         overridden = :overrides, override_reason = :override_reason
   where a.clinic_id = :clinic_id and a.id = :appointment_id
     and exists (select from customer c where c.id = a.customer_id and c.active)
     and ('customer-busy' = any(:overrides)
          or not exists (select
                           from appointment o
                          where o.clinic_id = :clinic_id and o.customer_id = a.customer_id and o.id <> :appointment_id
                            and 'customer-busy' = any(o.overridden)
                            and o.active_during && tstzrange(:starts_at, :ends_at))
             and not exists (select
                               from appointment o
                              where o.clinic_id = :clinic_id and o.person_id = a.person_id and o.id <> :appointment_id
                                and o.person_id <> '00000000-0000-0000-0000-000000000000'
                                and 'customer-busy' = any(o.overridden)
                                and o.active_during && tstzrange(:starts_at, :ends_at)))
  returning a.clinic_id, a.id, a.version, a.sequence, a.booking_id, a.doctor_id, a.customer_id, a.during,
            a.hold_expires_at, old.doctor_id as old_doctor_id, old.during as old_during, a.step_id,
            old.status as old_status, old.claimed as old_claimed, old.overridden as old_overridden,
            old.override_reason as old_override_reason, old.needs_rebooking as old_needs_rebooking,
            old.arrived_at as old_arrived_at, old.in_room_at as old_in_room_at,
            old.rescheduled_at as old_rescheduled_at, old.sequence as old_sequence,
            old.restored_sequence as old_restored_sequence, old.rebook_by as old_rebook_by,
            old.rebook_asked_at as old_rebook_asked_at
), step as (
  insert into appointment_step (clinic_id, step_id, appointment_id, taken_at, version, status, moved, doctor_id, during,
                                claimed, overridden, override_reason, needs_rebooking, arrived_at, in_room_at,
                                rescheduled_at, sequence, restored_sequence, rebook_by, rebook_asked_at)
  select clinic_id, step_id, id, :now, version, old_status, true, old_doctor_id, old_during, old_claimed,
         old_overridden, old_override_reason, old_needs_rebooking, old_arrived_at, old_in_room_at, old_rescheduled_at,
         old_sequence, old_restored_sequence, old_rebook_by, old_rebook_asked_at
    from moved
   where step_id is not null
), event as (
  insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
  select clinic_id, 'appointment.rescheduled', id::text, version,
         appointment_event_data(booking_id, doctor_id, customer_id, during, sequence,
                                jsonb_build_object('oldDoctorId', old_doctor_id, 'oldStartTime', lower(old_during),
                                                   'oldEndTime', upper(old_during))
                                || case when hold_expires_at is null then '{}'
                                        else jsonb_build_object('holdExpiresAt', hold_expires_at) end),
         :traceparent
    from moved
)
select exists (select from moved)
