-- The migration before this one has removed all seconds. Validating in a transaction of its own blocks nobody.
alter table appointment validate constraint appointment_whole_minutes;
alter table booking_slot validate constraint booking_slot_whole_minutes;
alter table absence validate constraint absence_whole_minutes;
