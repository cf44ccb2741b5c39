-- An appointment that staff have moved, with what is needed to undo the move; a patient in the room; and a visit that
-- was noted afterwards.
update appointment
   set step_id = '00000001-0000-8000-8000-0000000000a1', undo_status = 'booked', stepped_at = '2027-03-01 08:00Z',
       arrived_at = '2027-03-01 08:00Z', in_room_at = '2027-03-01 08:05Z',
       staff_notes = 'enc1:tests:' || repeat('a', 38),
       restored_sequence = 0, overridden = '{in-the-past}', override_reason = 'Came without an appointment'
 where clinic_id = 1 and id = '00000001-0000-8000-8000-000000000071';
insert into appointment_step (clinic_id, step_id, appointment_id, taken_at, version, status, moved, doctor_id, during,
                              claimed, overridden, needs_rebooking, sequence)
select 1, '00000001-0000-8000-8000-0000000000a1', id, '2027-03-01 08:00Z', version, 'booked', true, doctor_id, during,
       claimed, '{}', false, sequence
  from appointment
 where clinic_id = 1 and id = '00000001-0000-8000-8000-000000000071';
