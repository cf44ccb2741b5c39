-- Want a call for each of these appointments that is online and still to come, unless it has one. A call that was ended
-- too early, because its appointment was restored, is wanted again.
insert into call (clinic_id, id, appointment_id, sequence, gateway, during, due_at)
select a.clinic_id, mint_id(a.clinic_id), a.id, a.sequence, coalesce(s.gateway, :default_gateway::text), a.during, :now
  from unnest(:clinic_ids::integer[], :appointment_ids::uuid[]) as given (clinic_id, id)
  join appointment a on a.clinic_id = given.clinic_id and a.id = given.id
  join appointment_type t on t.clinic_id = given.clinic_id and t.id = a.appointment_type_id
  left join call_settings s on s.clinic_id = given.clinic_id
 where a.status in ('booked', 'arrived', 'checked-in') and t.mode = 'online'
   and upper(a.during) > :now and coalesce(s.gateway, :default_gateway) <> 'off'
on conflict (clinic_id, appointment_id, sequence) do update
   set state = 'wanted', gateway = excluded.gateway, due_at = greatest(:now, call.leased_until), tries = 0,
       error = null, version = call.version + 1, updated_at = :now
 where call.state in ('ending', 'ended') and call.opened_at is null
