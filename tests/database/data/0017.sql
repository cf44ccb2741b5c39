-- A stranger's hold that is waiting for its code, at a clinic that asks for one.
update clinic set confirm_address = 'always' where id = 1;
update customer set email_confirmed_at = '2027-02-28' where id = '00000000-0000-7000-8000-000000000002';
insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, status, hold_expires_at, during, claimed)
values (1, '00000001-0000-8000-8000-000000000091', '00000001-0000-8000-8000-000000000091',
        '00000001-0000-8000-8000-000000000001',
        '00000000-0000-7000-8000-000000000002', 'pending', '2027-02-28 12:10+00',
        '[2027-03-01 14:00+00,2027-03-01 14:30+00)', '[2027-03-01 14:00+00,2027-03-01 14:30+00)');
insert into confirmation_code (clinic_id, booking_id, customer_id, customer_version)
values (1, '00000001-0000-8000-8000-000000000091', '00000000-0000-7000-8000-000000000002', 1);
