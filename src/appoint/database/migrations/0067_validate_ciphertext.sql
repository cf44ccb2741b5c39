-- This only reads the tables. If it fails, the worker of a version from between two releases has not yet encrypted what
-- it stored: run `appoint encryption rotate` with that version.
alter table appointment validate constraint appointment_staff_notes;
alter table call_settings validate constraint call_settings_connection_encrypted;
alter table recording validate constraint recording_key;
alter table emergency_access validate constraint emergency_access_reason;
