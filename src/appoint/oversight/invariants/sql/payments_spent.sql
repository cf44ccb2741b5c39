-- No cent of a payment is spent twice, and nothing is spent beyond its amount or before it has succeeded.
select a.id::text as subject
  from (select clinic_id, id, payment_id, currency, of_payment,
               max(upper(of_payment)) over (partition by payment_id order by lower(of_payment), id
                                            rows between unbounded preceding and 1 preceding) as taken_until
          from allocation
         where clinic_id = :clinic_id and of_payment is not null) as a
  left join payment p on p.clinic_id = a.clinic_id and p.id = a.payment_id and p.currency = a.currency
 where lower(a.of_payment) < a.taken_until or not coalesce(p.whole @> a.of_payment, false)
 limit :limit
