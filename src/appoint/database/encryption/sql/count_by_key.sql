-- How many values are encrypted with each key; null for values that are not encrypted. A value whose lines are
-- encrypted separately counts once for each of its keys.
with stored ("column", value) as (
  select 'patient.notes', notes from patient where notes is not null
   union all
  select 'appointment.notes', notes from appointment where notes is not null
   union all
  select 'appointment.cancel_reason', cancel_reason
    from appointment
   where cancel_reason is not null and cancel_cause is distinct from 'hold-expired'
   union all
  select 'appointment.override_reason', override_reason from appointment where override_reason <> '(erased)'
   union all
  select 'appointment.staff_notes', staff_notes from appointment where staff_notes is not null
   union all
  select 'appointment_step.override_reason', override_reason from appointment_step where override_reason <> '(erased)'
   union all
  select 'absence.reason', reason from absence where reason is not null
   union all
  select 'emergency_access.reason', reason from emergency_access where reason <> '(erased)'
   union all
  select 'call_settings.connection', connection from call_settings where connection is not null
   union all
  select 'recording.key', key from recording where key is not null
   union all
  select 'app_user.totp_secret', encode(totp_secret, 'escape') from app_user where totp_secret is not null
   union all
  select 'webhook.secret', encode(secret, 'escape') from webhook
   union all
  select 'webhook.old_secret', encode(old_secret, 'escape') from webhook where old_secret is not null
)
select "column", key, count(*) as values
  from stored
 cross join lateral (select distinct (regexp_match(line, '^enc1:([a-z0-9.-]+):'))[1] as key
                       from regexp_split_to_table(value, '\n') as line) as used
 group by "column", key
 order by "column", key
