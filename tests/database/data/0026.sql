-- Two records of one person, who has a corrected phone number.
insert into customer (id, name) values ('00000000-0000-7000-8000-000000000221', 'Ana'),
                                       ('00000000-0000-7000-8000-000000000222', 'Anna');
insert into patient (clinic_id, customer_id, main_id, joined_at)
values (1, '00000000-0000-7000-8000-000000000221', '00000000-0000-7000-8000-000000000221', '2027-02-28'),
       (1, '00000000-0000-7000-8000-000000000222', '00000000-0000-7000-8000-000000000221', '2027-02-28');
update patient set corrected_phone = '+493012345678' where customer_id = '00000000-0000-7000-8000-000000000222';
insert into patient_correction (clinic_id, id, detail, customer_id, actor, new_value)
values (1, '00000001-0000-8000-8000-000000000223', 'phone', '00000000-0000-7000-8000-000000000222', 'user:mia',
        '+493012345678');
