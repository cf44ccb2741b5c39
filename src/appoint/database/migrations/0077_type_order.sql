-- The clinic's own order of its appointment types. Types with the same position are ordered by name.
alter table appointment_type
  add column position integer not null default 0,
  -- squawk-ignore constraint-missing-not-valid
  add constraint appointment_type_position check (position >= 0);
