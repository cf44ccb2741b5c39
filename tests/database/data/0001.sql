-- A clinic with appointments in every status, as revision 0001 writes them.
insert into clinic (id, name, slug, time_zone) values (1, 'Lakeside', 'lakeside', 'Europe/Berlin');
insert into doctor (clinic_id, id, name) values (1, '00000001-0000-8000-8000-000000000001', 'Dr Shah');
insert into appointment_type (clinic_id, id, name, minutes, price_amount, price_currency)
values (1, '00000001-0000-8000-8000-000000000002', 'Check-up', 30, 4500, 'EUR');
insert into doctor_appointment_type (clinic_id, doctor_id, appointment_type_id)
values (1, '00000001-0000-8000-8000-000000000001', '00000001-0000-8000-8000-000000000002');
insert into customer (id, name, email, phone, locale, birth_date)
values ('00000000-0000-7000-8000-000000000001', 'Ana Müller', 'ana@example.org', '+4930123456', 'de', '1990-05-17'),
       ('00000000-0000-7000-8000-000000000002', 'Ben', null, null, null, null);
insert into patient (clinic_id, customer_id, record_number, notes)
values (1, '00000000-0000-7000-8000-000000000001', 'L-1', 'Allergic to penicillin'),
       (1, '00000000-0000-7000-8000-000000000002', null, null);
insert into time_slot (clinic_id, id, name, minutes)
values (1, '00000001-0000-8000-8000-000000000003', 'Morning', '[540,720)');
insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, valid, time_slot_id)
values (1, '00000001-0000-8000-8000-000000000004', '00000001-0000-8000-8000-000000000001', 1, '[540,720)',
        '[2027-01-01,)',
        '00000001-0000-8000-8000-000000000003');
insert into absence (clinic_id, id, doctor_id, during, reason)
values (1, '00000001-0000-8000-8000-000000000005', '00000001-0000-8000-8000-000000000001',
        '[2027-03-08 08:00+00,2027-03-08 16:00+00)', 'Conference');
insert into booking_slot (clinic_id, id, doctor_id, date, during)
values (1, '00000001-0000-8000-8000-000000000006', '00000001-0000-8000-8000-000000000001', '2027-03-01',
        '[2027-03-01 08:00+00,2027-03-01 16:00+00)');

insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, appointment_type_id, status,
                         hold_expires_at,
                         cancel_reason, during, claimed, price_amount, price_currency, idempotency_caller,
                         idempotency_key, request_digest)
select 1, id, id, '00000001-0000-8000-8000-000000000001', '00000000-0000-7000-8000-000000000001',
       '00000001-0000-8000-8000-000000000002', status,
       case status when 'pending' then timestamptz '2027-03-01 07:00+00' end, cancel_reason, during, during, 4500,
       'EUR',
       'anonymous', number::text, '\x00'
  from (values (1, 'booked', null), (2, 'pending', null), (3, 'arrived', null), (4, 'checked-in', null),
               (5, 'fulfilled', null), (6, 'noshow', null), (7, 'cancelled', 'patient'), (8, 'cancelled',
               'hold-expired'))
         as a (number, status, cancel_reason),
       lateral (select ('00000001-0000-8000-8000-' || lpad(number::text, 12, '0'))::uuid as id,
                       tstzrange(start, start + interval '30 minutes') as during
                  from (select timestamptz '2027-03-01 08:00+00' + number * interval '30 minutes' as start) as s) as l;
insert into event (clinic_id, type, subject_id, subject_version, data)
values (1, 'appointment.booked', '00000001-0000-8000-8000-000000000001', 1, '{"sequence": 0}');
insert into request_key (caller, key, digest) values ('reception', 'once', '\x00');
insert into worker_heartbeat (worker, seen_at) values ('worker/1', '2027-03-01 06:00+00');
