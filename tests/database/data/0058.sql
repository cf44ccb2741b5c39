-- A clinic uses Daily, which accepts one request per second.
update call_settings set gateway = 'daily', connection = 'encrypted' where clinic_id = 1;
update call set gateway = 'daily';
insert into call_token (gateway, number) values ('daily', 1);
