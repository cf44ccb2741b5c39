-- The demo clinic's online appointments have calls, and a patient brings an interpreter to one of them.
insert into call_settings (clinic_id, id, gateway) select id, mint_id(id), 'demo' from clinic where id = 1;
insert into call (clinic_id, id, appointment_id, sequence, gateway, state, during, opened_at)
select clinic_id, mint_id(clinic_id), id, sequence, 'demo', 'open', during, now()
  from appointment where active_during is not null order by id limit 1;
insert into call_guest (clinic_id, id, appointment_id, name)
select clinic_id, mint_id(clinic_id), appointment_id, 'Ines' from call;
