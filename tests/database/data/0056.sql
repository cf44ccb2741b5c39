insert into invariant_violation (clinic_id, invariant, violations, found_at) values (1, 'doctor-free', 2, now());
