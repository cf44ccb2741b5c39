-- A clinic's or one of its patients' drafts, open invoices and overdue invoices, for each currency.
with paid as (  -- per invoice, for the whole clinic
  select a.invoice_id, sum(a.amount)::bigint as amount
    from allocation a
   where :customer_id::uuid is null and a.clinic_id = :clinic_id and a.invoice_id is not null and a.undone_at is null
   group by a.invoice_id
), due as (
  select i.currency, i.status, i.total, i.due_on, i.total - coalesce(paid.amount, 0) as owed
    from invoice i
    left join paid on paid.invoice_id = i.id
   where :customer_id is null and i.clinic_id = :clinic_id and i.kind = 'invoice' and i.status = 'issued'
   union all
  select i.currency, i.status, i.total, i.due_on, 0
    from invoice i
   where :customer_id is null and i.clinic_id = :clinic_id and i.kind = 'invoice' and i.status = 'draft'
   union all
  select i.currency, i.status, i.total, i.due_on,
         i.total - (select coalesce(sum(a.amount), 0)::bigint
                      from allocation a
                     where a.clinic_id = :clinic_id and a.invoice_id = i.id and a.undone_at is null)
    from invoice i
   where :customer_id is not null and i.customer_id = :customer_id and i.clinic_id = :clinic_id
     and i.kind = 'invoice'
)
select currency,
       count(*) filter (where status = 'draft')::integer as draft_count,
       coalesce(sum(total) filter (where status = 'draft'), 0)::bigint as draft_amount,
       count(*) filter (where status = 'issued' and owed > 0)::integer as open_count,
       coalesce(sum(owed) filter (where status = 'issued'), 0)::bigint as open_amount,
       count(*) filter (where status = 'issued' and owed > 0 and due_on < :today::date)::integer as overdue_count,
       coalesce(sum(owed) filter (where status = 'issued' and due_on < :today::date), 0)::bigint as overdue_amount
  from due
 group by currency
 order by currency
