-- Twins.
insert into patient_difference (clinic_id, customer_id, other_id)
values (1, '00000000-0000-7000-8000-000000000221', '00000000-0000-7000-8000-000000000222');
