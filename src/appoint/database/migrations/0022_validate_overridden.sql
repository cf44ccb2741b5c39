-- Validate the broader check on overridden rules, without a lock that blocks writes.
alter table appointment validate constraint appointment_overridden;
