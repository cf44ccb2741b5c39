-- Move a clinic's upcoming calls that no doctor has joined yet to another provider, or end them if there is none.
with switched as (
  update call
     set gateway = coalesce(:gateway::text, gateway), state = case when :gateway is null then 'ended' else 'wanted' end,
         due_at = case when :gateway is not null then greatest(:now::timestamptz, leased_until) end, tries = 0,
         error = null, version = version + 1, updated_at = :now
   where clinic_id = :clinic_id and state in ('wanted', 'made', 'dead') and upper(during) > :now
  returning clinic_id, id, version, appointment_id, sequence, state
)
insert into event (clinic_id, type, subject_id, subject_version, data)
select clinic_id, 'call.ended', id::text, version,
       jsonb_build_object('appointmentId', appointment_id, 'sequence', sequence)
  from switched
 where state = 'ended'
