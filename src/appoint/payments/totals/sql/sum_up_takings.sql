-- What was paid and refunded by each method in a range of days.
with days as (
  select local_instant(:first_day::date, 0, time_zone) as first,
         local_instant(:last_day::date + 1, 0, time_zone) as last
    from clinic
   where id = :clinic_id
), moves as (
  select p.method, p.currency, p.amount as received, 0::bigint as refunded
    from payment p, days
   where p.clinic_id = :clinic_id and p.status = 'succeeded' and p.succeeded_at >= days.first
     and p.succeeded_at < days.last
     and p.method in ('cash', 'terminal', 'transfer', 'card')
  union all
  select case when p.method = 'credit' then 'cash' else p.method end, r.currency, 0, r.amount
    from refund r
    join payment p on p.clinic_id = :clinic_id and p.id = r.payment_id,
         days
   where r.clinic_id = :clinic_id and r.destination = 'method' and r.status = 'succeeded'
     and r.updated_at >= days.first and r.updated_at < days.last
)
select method, currency, count(*) filter (where received > 0)::integer as count, sum(received)::bigint as received,
       sum(refunded)::bigint as refunded
  from moves
 group by method, currency
 order by array_position(array['cash', 'terminal', 'transfer', 'card'], method), currency
