-- Return a clinic's bookings with an appointment that matches and has changed since a given time, ordered by that
-- appointment's last change. Only `updated_at` bounds the scan: its BRIN index finds the few blocks with recent
-- changes.
select booking_id, max(updated_at) as changed_at
  from shown_appointment s
 where s.clinic_id = :clinic_id
   and s.updated_at >= greatest(:since, :after_change::timestamptz)
   and s.start_time >= coalesce((select local_instant(:first, 0, time_zone) from clinic where id = :clinic_id),
                                '-infinity')
   and s.start_time < coalesce((select local_instant(:last::date + 1, 0, time_zone) from clinic where id = :clinic_id),
                               'infinity')
   and (:doctor_ids::uuid[] is null or s.doctor_id = any(:doctor_ids))
   and (:customer_id::uuid is null or :customer_id in (s.customer_id, s.booker_id))
   and (:statuses::text[] is null or s.status = any(:statuses))
 group by booking_id
having :after_change is null or (max(updated_at), booking_id) > (:after_change, :after_id::uuid)
 order by changed_at, booking_id
 limit :limit + 1
