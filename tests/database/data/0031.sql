-- Ana books for Anna, as a clinic has granted.
insert into guardianship (guardian_id, ward_id, granting_clinic_id, ends_on)
values ('00000000-0000-7000-8000-000000000221', '00000000-0000-7000-8000-000000000222', 1, '2028-03-01');
