-- How staff reach the patients whose appointments need rebooking: with a link, or by phone.

alter table appointment
  add column rebook_by text,
  add column rebook_asked_at timestamptz,
  -- The check scans columns that are still null in every row.
  -- squawk-ignore constraint-missing-not-valid
  add constraint appointment_rebook check (
    num_nulls(rebook_by, rebook_asked_at) in (0, 2) and rebook_by in ('link', 'phone'));
alter table appointment_step
  add column rebook_by text,
  add column rebook_asked_at timestamptz;
