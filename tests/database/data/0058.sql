-- A clinic uses Daily, which accepts one request per second.
update call_settings set gateway = 'daily', connection = 'enc1:tests:' || repeat('a', 38) where clinic_id = 1;
update call set gateway = 'daily';
insert into call_token (gateway, number) values ('daily', 1);
