-- A booking by a member of staff is a step that can be undone. Its previous status is `cancelled`, and its previous
-- sequence -1, because the confirmation has the sequence 0. An undone booking has a cause of its own.
alter table appointment_step
  -- squawk-ignore ban-drop-constraint
  drop constraint appointment_step_sequence,
  -- squawk-ignore constraint-missing-not-valid
  add constraint appointment_step_sequence check (sequence >= case status when 'cancelled' then -1 else 0 end);

alter table appointment
  -- squawk-ignore ban-drop-constraint
  drop constraint appointment_cancel_cause,
  add constraint appointment_cancel_cause
    check (cancel_cause is null
           or cancel_cause = any (array['request', 'hold-expired', 'undone']) and status = 'cancelled') not valid;
