-- What each clinic owes a customer.
select c.name as clinic, p.currency, sum(p.free)::bigint as amount
  from shown_payment p
  join clinic c on c.id = p.clinic_id
 where p.customer_id = :customer_id and p.method in ('credit', 'goodwill') and p.free > 0
 group by c.id, p.currency
 order by c.name, p.currency
