-- A relayed event, its notification, and a webhook with a delivery.
insert into event_log (clinic_id, id, type, subject_id, subject_version, data, created_at)
values (1, '00000000-0000-7000-8000-000000000011', 'appointment.booked', '00000001-0000-8000-8000-000000000001', 1,
        '{"sequence": 0}', '2027-02-01');
insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, event_id,
                          status, due_at, expires_at, sent_at, reason)
values (1, '00000001-0000-8000-8000-000000000012', 'booked', '00000001-0000-8000-8000-000000000001', 0, 'customer',
        '00000000-0000-7000-8000-000000000001', 'email', '00000000-0000-7000-8000-000000000011', 'sent', '2027-02-01',
        '2027-03-01', '2027-02-01', null),
       (1, '00000001-0000-8000-8000-000000000013', 'reminder', '00000001-0000-8000-8000-000000000001', 0, 'customer',
        '00000000-0000-7000-8000-000000000001', 'email', null, 'queued', '2027-02-28', '2027-03-01', null, null);
insert into notification_preference (customer_id, channel, wanted)
values ('00000000-0000-7000-8000-000000000001', 'sms', true);
insert into message_template (clinic_id, id, kind, channel, locale, subject, text)
values (1, '00000001-0000-8000-8000-000000000014', 'booked', 'email', 'en', 'Your visit', 'See you soon.');
insert into webhook (clinic_id, id, url, secret)
values (1, '00000001-0000-8000-8000-000000000015', 'https://partner.example/events',
        decode(repeat('00', 32), 'hex'));
insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at)
values (1, '00000001-0000-8000-8000-000000000016', '00000001-0000-8000-8000-000000000015',
        '00000000-0000-7000-8000-000000000011',
        'appointment.booked', '00000001-0000-8000-8000-000000000001', '2027-02-01');
