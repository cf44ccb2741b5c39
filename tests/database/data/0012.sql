-- A receptionist whose access is disabled, a disabled account, and a session with its device.
insert into app_user (id, name, email, disabled_at)
values ('00000000-0000-7000-8000-000000000091', 'Rolf', 'rolf@example.org', '2027-03-01');
insert into membership (clinic_id, user_id, role, disabled_at)
values (1, '00000000-0000-7000-8000-000000000091', 'receptionist', '2027-03-01');
insert into session (token_hash, user_id, expires_at, device, address, proven_at)
values (decode(repeat('09', 32), 'hex'), '00000000-0000-7000-8000-000000000091', '2027-04-01', 'Firefox, Linux',
        '203.0.113.7', '2027-03-01');
