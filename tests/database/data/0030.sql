-- A notification that shares the message of an earlier one.
insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, status, due_at,
                          expires_at, sent_at, message_key, leader_id)
values (1, '00000001-0000-8000-8000-000000000081', 'reminder-1440', '00000001-0000-8000-8000-000000000071', 0,
        'customer', '00000000-0000-7000-8000-000000000001', 'email', 'sent', '2027-02-28', '2027-03-01', '2027-02-28',
        '00000000-0000-7000-8000-000000000001', '00000001-0000-8000-8000-000000000013');
