-- An appointment that a stranger booked, and the networks that the request came from.
insert into stranger_appointment (clinic_id, appointment_id, networks, minutes, held)
values (1, '00000001-0000-8000-8000-000000000071', '{"\\x01","\\x02"}', 30, true);
