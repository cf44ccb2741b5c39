-- A day whose sums must be computed again.
insert into unsummed (clinic_id, doctor_id, days)
values (1, '00000001-0000-8000-8000-000000000001', '[2027-03-01,2027-03-02)');
