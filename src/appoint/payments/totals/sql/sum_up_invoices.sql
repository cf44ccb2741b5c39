-- A clinic's drafts, open invoices and overdue invoices, for each currency.
with due as (
  select i.currency, i.status, i.total, i.due_on,
         i.total - coalesce(paid.amount, 0) as owed
    from invoice i
   cross join lateral (select sum(a.amount)::bigint as amount
                         from allocation a
                        where a.clinic_id = :clinic_id and a.invoice_id = i.id and a.undone_at is null) as paid
   where i.clinic_id = :clinic_id and i.kind = 'invoice'
     and (:customer_id::uuid is null or i.customer_id = :customer_id)
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
