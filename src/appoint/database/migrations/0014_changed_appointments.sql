-- Partners list the appointments that have changed since their last request. Unlike a B-tree, a BRIN index adds
-- nothing to a booking's own writes, and status changes remain heap-only (HOT) updates. Creating it reads the table
-- once and doesn't sort anything.
-- squawk-ignore require-concurrent-index-creation
create index appointment_by_change on appointment using brin (updated_at) with (pages_per_range = 32, autosummarize);
