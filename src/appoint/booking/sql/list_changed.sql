-- Return a clinic's appointments that changed since a given time, ordered by their last change. Only `updated_at`
-- bounds the scan: its BRIN index finds the few blocks with recent changes, and adds almost nothing to a booking's
-- cost.
select s.*
  from shown_appointment s
 where s.clinic_id = :clinic_id
   and s.updated_at >= greatest(:since, :after_change::timestamptz)
   and (:after_change is null or (s.updated_at, s.id) > (:after_change, :after_id::uuid))
   and s.start_time >= coalesce((select local_instant(:first, 0, time_zone) from clinic where id = :clinic_id),
                                '-infinity')
   and s.start_time < coalesce((select local_instant(:last::date + 1, 0, time_zone) from clinic where id = :clinic_id),
                               'infinity')
   and (:doctor_ids::uuid[] is null or s.doctor_id = any(:doctor_ids))
   and (:customer_id::uuid is null or s.customer_id = any(array(select customers_joined(:clinic_id, :customer_id))))
   and (:statuses::text[] is null or s.status = any(:statuses))
 order by s.updated_at, s.id
 limit :limit + 1
