-- Have a recording copied if its call may be recorded, and otherwise deleted at the provider.
insert into recording (clinic_id, id, call_id, gateway, provider_id, state, due_at)
select c.clinic_id, mint_id(c.clinic_id), c.id, c.gateway, :provider_id,
       case when c.recording_requested_at is not null
             and exists (select from call_settings s
                          where s.clinic_id = c.clinic_id and s.recording = 'onConsent')
             and exists (select from recording_consent r
                          where r.clinic_id = c.clinic_id and r.live_appointment_id = c.appointment_id)
            then 'wanted' else 'deleting' end,
       :now
  from call c
 where c.clinic_id = :clinic_id and c.id = :call_id
on conflict (clinic_id, call_id, provider_id) do nothing
