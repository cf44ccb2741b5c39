-- Encrypted values that are longer than any plaintext.
insert into webhook (clinic_id, id, url, secret)
values (1, '00000001-0000-8000-8000-000000000085', 'https://partner.example.com/encrypted',
        convert_to('enc1:2027-01-12:' || repeat('a', 80), 'UTF8'));
insert into emergency_access (clinic_id, id, doctor_id, customer_id, reason, expires_at)
values (1, '00000001-0000-8000-8000-000000000086', '00000001-0000-8000-8000-000000000001',
        '00000000-0000-7000-8000-000000000002', 'enc1:2027-01-12:' || repeat('a', 1100), '2027-03-02');
