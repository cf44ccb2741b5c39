-- Strangers' bookings need no new rows either.
select id, is_bounded from lock_gathered(array[]::gathered_booking[]);
