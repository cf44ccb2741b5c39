-- A cancellation with its cause.
insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, status, cancel_cause, during, claimed)
values (1, '00000001-0000-8000-8000-000000000071', '00000001-0000-8000-8000-000000000071',
        '00000001-0000-8000-8000-000000000001',
        '00000000-0000-7000-8000-000000000002', 'cancelled', 'request', '[2027-03-01 12:30+00,2027-03-01 13:00+00)',
        '[2027-03-01 12:30+00,2027-03-01 13:00+00)');
