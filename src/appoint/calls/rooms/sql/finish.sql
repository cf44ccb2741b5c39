-- Record the outcome of a leased call's last attempt, and append the event. If the call has changed in the meantime,
-- the outcome does not count: the lease runs out, and the next attempt does what the call now needs.
with finished as (
  update call
     set state = :state, gateway = coalesce(:gateway::text, gateway), due_at = null, leased_until = null,
         error = :error, version = version + 1, updated_at = :now
   where clinic_id = :clinic_id and id = :call_id and state = :old_state and tries = :tries
  returning clinic_id, id, version, appointment_id, sequence
), event as (
  insert into event (clinic_id, type, subject_id, subject_version, data)
  select clinic_id,
         case :state when 'made' then 'call.made' when 'dead' then 'call.failed' else 'call.ended' end,
         id::text, version,
         jsonb_build_object('appointmentId', appointment_id, 'sequence', sequence)
    from finished
)
select exists (select from finished)
