-- A clinic's payments, newest first.
select s.*
  from shown_payment s
 where s.clinic_id = :clinic_id
   and (:before::uuid is null or s.id < :before)
   and (:customer_id::uuid is null or s.customer_id = :customer_id)
   and (:status::text is null or s.status = :status)
   and (:method::text is null or s.method = :method)
   and (:first_day::date is null
        or s.succeeded_at >= (select local_instant(:first_day::date, 0, time_zone) from clinic where id = :clinic_id))
   and (:last_day::date is null
        or s.succeeded_at < (select local_instant(:last_day::date + 1, 0, time_zone) from clinic where id = :clinic_id))
 order by s.id desc
 limit :limit::integer + 1
