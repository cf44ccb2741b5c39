-- Take numbers from sequences instead of identity columns, which Citus cannot distribute or copy to its nodes. The lock
-- keeps out other inserts, so that no number is taken between reading a sequence and replacing it.
lock table clinic, dev_message in share row exclusive mode;

create sequence clinic_number as integer;
select setval('clinic_number', last_value, is_called) from clinic_id_seq;
-- squawk-ignore ban-alter-identity -- the default takes its place in this transaction
alter table clinic alter column id drop identity;
alter table clinic alter column id set default nextval('clinic_number');
alter sequence clinic_number owned by clinic.id;
-- squawk-ignore renaming-object -- nothing has used the new name yet
alter sequence clinic_number rename to clinic_id_seq;

create sequence dev_message_number;
select setval('dev_message_number', last_value, is_called) from dev_message_id_seq;
-- squawk-ignore ban-alter-identity -- as above
alter table dev_message alter column id drop identity;
alter table dev_message alter column id set default nextval('dev_message_number');
alter sequence dev_message_number owned by dev_message.id;
-- squawk-ignore renaming-object -- as above
alter sequence dev_message_number rename to dev_message_id_seq;

grant usage on sequence clinic_id_seq, dev_message_id_seq to appoint_server, appoint_across;
