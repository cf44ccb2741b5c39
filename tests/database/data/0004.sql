-- A signed-in receptionist, an API key, a notification to a user, and audit entries.
insert into app_user (id, name, email) values ('00000000-0000-7000-8000-000000000021', 'Rita', 'rita@example.org');
insert into membership (clinic_id, user_id, role)
values (1, '00000000-0000-7000-8000-000000000021', 'receptionist');
insert into session (token_hash, user_id, expires_at)
values (decode(repeat('00', 32), 'hex'), '00000000-0000-7000-8000-000000000021', '2027-04-01');
insert into api_key (clinic_id, id, name, scopes, secret_hash)
values (1, '00000001-0000-8000-8000-000000000022', 'Partner', '{appointments:write}', decode(repeat('00', 32), 'hex'));
insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, status,
                          due_at, expires_at)
values (0, '00000000-0000-8000-8000-000000000023', 'invitation', '00000000-0000-7000-8000-000000000021', 0, 'user',
        '00000000-0000-7000-8000-000000000021', 'email', 'queued', '2027-02-28', '2027-03-01');
insert into audit_unsealed (clinic_id, actor, action, subjects)
values (1, 'user:00000000-0000-7000-8000-000000000021', 'getCustomer',
        '{00000000-0000-7000-8000-000000000001}');
insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, status, during, claimed, overridden,
                         override_reason)
values (1, '00000001-0000-8000-8000-000000000024', '00000001-0000-8000-8000-000000000024',
        '00000001-0000-8000-8000-000000000001',
        '00000000-0000-7000-8000-000000000002', 'booked', '[2027-03-01 15:00+00,2027-03-01 15:30+00)',
        '[2027-03-01 15:00+00,2027-03-01 15:30+00)', '{customer-busy}', 'asked for it');
