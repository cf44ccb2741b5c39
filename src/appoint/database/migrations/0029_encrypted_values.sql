-- Notes, reasons and secrets are encrypted by Appoint, in the same columns as before. A ciphertext begins with `enc1:` and
-- the key's name, and is longer than its plaintext. The worker encrypts existing values.

alter table webhook
  -- squawk-ignore ban-drop-constraint
  drop constraint webhook_secret,
  -- Each clinic has only a few webhooks, so the check takes no time.
  -- squawk-ignore constraint-missing-not-valid
  add constraint webhook_secret check (length(secret) between 24 and 64
                                       or encode(secret, 'escape') like 'enc1:%' and length(secret) <= 200);

alter table emergency_access
  -- squawk-ignore ban-drop-constraint
  drop constraint emergency_access_reason,
  -- Emergency access is rare, so this check doesn't take long either.
  -- squawk-ignore constraint-missing-not-valid
  add constraint emergency_access_reason check (
    reason ~ '\S' and (length(reason) <= 200 or reason like 'enc1:%' and length(reason) <= 1200)
  );
