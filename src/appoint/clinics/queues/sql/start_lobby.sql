update visitor_queue
   set opened_at = coalesce(opened_at, now()),
       opened_by = coalesce(opened_by, 'opening'),
       served = case when opened_at is null then issued else served end,
       marked = case when opened_at is null then issued else marked end,
       missed = case when opened_at is null then issued else missed end,
       marked_at = case when opened_at is null then now() else marked_at end,
       shuffled_after = issued,
       shuffled_until = null,
       version = version + 1,
       updated_at = now()
 where clinic_id = :clinic_id
   and opens_at > now()
   and opens_at <= now() + :before::interval
   and (shuffled_after is null or shuffled_until is not null)
