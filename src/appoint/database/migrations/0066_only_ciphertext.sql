-- Four of the encrypted columns accept only ciphertext. Release 0.1.0, which stores plaintext and stays in use during an
-- upgrade, does not have them (decision 35). The next migration checks existing rows.

create function is_ciphertext(value text) returns boolean language sql immutable strict parallel safe
  -- 38 characters of base64 are a nonce and a tag around an empty text.
  return value ~ '^enc1:[a-z0-9][a-z0-9.-]{0,31}:[A-Za-z0-9_-]{38,}$';

alter table appointment
  add constraint appointment_staff_notes check (is_ciphertext(staff_notes)) not valid;

alter table call_settings
  add constraint call_settings_connection_encrypted check (is_ciphertext(connection)) not valid;

alter table recording
  add constraint recording_key check (is_ciphertext(key)) not valid;

alter table emergency_access
  -- squawk-ignore ban-drop-constraint
  drop constraint emergency_access_reason,
  add constraint emergency_access_reason
    check (reason = '(erased)' or is_ciphertext(reason) and length(reason) <= 1200) not valid;
