-- What decides whether an appointment's visit can be recorded.
select coalesce(s.recording = 'onConsent' and c.gateway = any(:gateways::text[]), false) as is_offered,
       coalesce(s.recording_days, 30) as days,
       (select given_at from recording_consent r
         where r.clinic_id = :clinic_id and r.live_appointment_id = c.appointment_id) as consent_at,
       c.recording_requested_at as requested_at
  from call c
  left join call_settings s on s.clinic_id = :clinic_id
 where c.clinic_id = :clinic_id and c.appointment_id = :appointment_id
 order by c.sequence desc
 limit 1
