-- Find the coupon that an appointment was booked with.

-- squawk-ignore require-concurrent-index-creation
create index coupon_use_by_appointment on coupon_use (clinic_id, appointment_id) where reserved_until is not null;
