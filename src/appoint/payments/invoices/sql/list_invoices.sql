-- A clinic's invoices and credit notes, newest first.
select s.*
  from shown_invoice s
 where s.clinic_id = :clinic_id
   and (:before::uuid is null or s.id < :before)
   and (:customer_id::uuid is null or s.customer_id = :customer_id)
   and case :status::text
         when 'open' then s.status = 'issued' and s.kind = 'invoice' and s.paid < s.total
         when 'overdue' then s.status = 'issued' and s.kind = 'invoice' and s.paid < s.total
                             and s.due_on < :today::date
         when 'settled' then s.status = 'issued' and s.kind = 'invoice' and s.paid >= s.total
         else coalesce(s.status = :status, true)
       end
   and (:first_day::date is null
        or s.issued_at >= (select local_instant(:first_day::date, 0, time_zone) from clinic where id = :clinic_id))
   and (:last_day::date is null
        or s.issued_at < (select local_instant(:last_day::date + 1, 0, time_zone) from clinic where id = :clinic_id))
 order by s.id desc
 limit :limit::integer + 1
