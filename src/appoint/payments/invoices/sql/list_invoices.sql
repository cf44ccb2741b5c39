-- A clinic's invoices and credit notes, newest first. The filters decide which branch of `candidate` or `page` reads
-- anything, because a generic plan can't choose between their indexes.
with days as (
  select coalesce(local_instant(:first_day::date, 0, time_zone), '-infinity') as first,
         coalesce(local_instant(:last_day::date + 1, 0, time_zone), 'infinity') as last
    from clinic
   where id = :clinic_id
), candidate as (
  select i.id, i.kind, i.status, i.total, i.issued_at, i.due_on
    from invoice i
   where :customer_id::uuid is not null and i.customer_id = :customer_id and i.clinic_id = :clinic_id
   union all
  select i.id, i.kind, i.status, i.total, i.issued_at, i.due_on
    from invoice i
   where :customer_id is null and :status::text = 'draft' and i.clinic_id = :clinic_id and i.status = 'draft'
   union all
  select i.id, i.kind, i.status, i.total, i.issued_at, i.due_on
    from invoice i
   where :customer_id is null and :status is distinct from 'draft' and num_nonnulls(:first_day, :last_day) > 0
     and i.clinic_id = :clinic_id and i.issued_at >= (select first from days) and i.issued_at < (select last from days)
), page as (
  (select c.id
     from candidate c
    where (:before::uuid is null or c.id < :before)
      and (:first_day is null or c.issued_at >= (select first from days))
      and (:last_day is null or c.issued_at < (select last from days))
      and case
            when :status in ('open', 'overdue', 'settled')
            then c.kind = 'invoice' and c.status = 'issued'
                 and (:status <> 'overdue' or c.due_on < :today::date)
                 and (:status = 'settled') = (c.total <= (select coalesce(sum(a.amount), 0)
                                                            from allocation a
                                                           where a.clinic_id = :clinic_id and a.invoice_id = c.id
                                                             and a.undone_at is null))
            else coalesce(c.status = :status, true)
          end
    order by c.id desc
    limit :limit::integer + 1)
   union all
  (select i.id
     from invoice i
    where :customer_id is null and :status in ('open', 'overdue', 'settled')
      and num_nonnulls(:first_day, :last_day) = 0
      and i.clinic_id = :clinic_id and i.id < coalesce(:before, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      and i.kind = 'invoice' and i.status = 'issued'
      and (:status <> 'overdue' or i.due_on < :today)
      and (:status = 'settled') = (i.total <= (select coalesce(sum(a.amount), 0)
                                                 from allocation a
                                                where a.clinic_id = :clinic_id and a.invoice_id = i.id
                                                  and a.undone_at is null))
    order by i.id desc
    limit :limit + 1)
   union all
  (select i.id
     from invoice i
    where :customer_id is null and coalesce(:status, 'issued') = 'issued' and num_nonnulls(:first_day, :last_day) = 0
      and i.clinic_id = :clinic_id and i.id < coalesce(:before, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      and (:status is null or i.status = 'issued')
    order by i.id desc
    limit :limit + 1)
)
select s.*
  from page
  join shown_invoice s on s.clinic_id = :clinic_id and s.id = page.id
 order by s.id desc
