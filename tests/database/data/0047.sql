-- Bookings for half a day write the same rows too.
select id, starts_at from with_times(array[]::gathered_booking[]);
