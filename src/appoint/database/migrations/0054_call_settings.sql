-- When a clinic's waiting room opens, and the number that people call if a video visit doesn't work.
alter table call_settings
  add column opens_before_minutes smallint not null default 15,
  add column phone text;
-- squawk-ignore constraint-missing-not-valid
alter table call_settings add constraint call_settings_opening check (opens_before_minutes between 5 and 60);
-- squawk-ignore constraint-missing-not-valid
alter table call_settings add constraint call_settings_phone check (phone ~ '^\+[0-9]{4,15}$');
