-- Gathered bookings need no new rows: they write the same tables.
select id from lock_gathered(array[]::gathered_booking[]);
