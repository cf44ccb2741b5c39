-- Coupons on bookings.

-- A use that was reserved for a booking. If it has no appointment by then, it is released. Drafts release only the uses
-- that were never reserved for a booking.
alter table coupon_use add column reserved_until timestamptz;
-- squawk-ignore require-concurrent-index-creation
create index coupon_use_reserved on coupon_use (reserved_until)
  where appointment_id is null and released_at is null and reserved_until is not null;
