-- The demo clinic records visits whose patients agree, and has a recording.
update call_settings set recording = 'onConsent', recording_days = 90 where clinic_id = 1;
insert into recording_consent (clinic_id, id, appointment_id, words_version, language, given_by, given_at)
select clinic_id, mint_id(clinic_id), appointment_id, 1, 'de', 'link', now() from call limit 1;
insert into recording (clinic_id, id, call_id, gateway, provider_id, state, key, bytes, sha256, delete_at)
select clinic_id, mint_id(clinic_id), id, 'daily', 'rec-1', 'stored', 'enc1:tests:' || repeat('a', 38), 3,
       sha256('abc'), now()
  from call limit 1;
