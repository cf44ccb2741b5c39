-- The previous migration removed all seconds. Validating in a separate transaction doesn't block requests.
alter table appointment validate constraint appointment_whole_minutes;
alter table booking_slot validate constraint booking_slot_whole_minutes;
alter table absence validate constraint absence_whole_minutes;
