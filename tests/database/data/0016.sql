-- A hold by someone who is not a patient.
insert into customer (id, name) values ('00000000-0000-7000-8000-000000000083', 'Cleo');
insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, status, hold_expires_at, during, claimed)
values (1, '00000001-0000-8000-8000-000000000084', '00000001-0000-8000-8000-000000000084',
        '00000001-0000-8000-8000-000000000001', '00000000-0000-7000-8000-000000000083', 'pending',
        '2027-03-01 12:00+00',
        '[2027-03-01 13:30+00,2027-03-01 14:00+00)', '[2027-03-01 13:30+00,2027-03-01 14:00+00)');
-- A doctor's reviewed emergency access, and an erased customer with notes that the clinic keeps.
insert into emergency_access (clinic_id, id, doctor_id, customer_id, reason, expires_at, reviewed_at, reviewer)
values (1, '00000001-0000-8000-8000-000000000081', '00000001-0000-8000-8000-000000000001',
        '00000000-0000-7000-8000-000000000002', 'enc1:tests:' || repeat('a', 38), '2027-03-02', '2027-03-03',
        'user:00000000-0000-7000-8000-000000000021');
insert into customer (id, name, active, removed_at, erased_at)
values ('00000000-0000-7000-8000-000000000082', '(erased)', false, '2027-03-01', '2027-03-01');
insert into patient (clinic_id, customer_id, notes, outlives_customer)
values (1, '00000000-0000-7000-8000-000000000082', 'likes tea', true);
