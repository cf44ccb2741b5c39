-- What a clinic issued, corrected, received and refunded in each month of a range of days, and what is still open.
with days as (
  select time_zone, local_instant(:first_day::date, 0, time_zone) as first,
         local_instant(:last_day::date + 1, 0, time_zone) as last
    from clinic
   where id = :clinic_id
), taxed as (  -- for the whole clinic, because a lookup for each invoice takes much longer
  select l.invoice_id, sum(l.tax)::bigint as tax
    from invoice_line l
   where l.clinic_id = :clinic_id and l.tax > 0
   group by l.invoice_id
), settled as (
  select a.invoice_id, sum(a.amount)::bigint as amount
    from allocation a
   where a.clinic_id = :clinic_id and a.invoice_id is not null and a.undone_at is null
   group by a.invoice_id
), moves as (
  select i.issued_at as moved_at, i.currency, case i.kind when 'invoice' then i.total else 0 end as issued,
         case i.kind when 'creditNote' then i.total else 0 end as corrected,
         case i.kind when 'invoice' then 1 else -1 end * coalesce(taxed.tax, 0) as tax, 0::bigint as paid,
         0::bigint as refunded, case i.kind when 'invoice' then i.total - coalesce(settled.amount, 0) else 0 end as open
    from days
    join invoice i
      on i.clinic_id = :clinic_id and i.status = 'issued' and i.issued_at >= days.first and i.issued_at < days.last
    left join taxed on taxed.invoice_id = i.id
    left join settled on settled.invoice_id = i.id
  union all
  select p.succeeded_at, p.currency, 0, 0, 0, p.amount, 0, 0
    from days, payment p
   where p.clinic_id = :clinic_id and p.status = 'succeeded' and p.succeeded_at >= days.first
     and p.succeeded_at < days.last and p.method in ('cash', 'terminal', 'transfer', 'card')
  union all
  select r.updated_at, r.currency, 0, 0, 0, 0, r.amount, 0
    from days, refund r
   where r.clinic_id = :clinic_id and r.status = 'succeeded' and r.destination in ('method', 'dispute')
     and r.updated_at >= days.first and r.updated_at < days.last
)
select date_trunc('month', moves.moved_at at time zone days.time_zone)::date as since, currency,
       sum(issued)::bigint as issued, sum(corrected)::bigint as corrected, sum(tax)::bigint as tax,
       sum(paid)::bigint as paid, sum(refunded)::bigint as refunded, sum(open)::bigint as open
  from moves, days
 group by since, currency
 order by since desc, currency
