-- The ledger contains every successful payment, with its amount, and no others.
select p.id::text as subject
  from payment p
  left join (select payment_id, currency,
                    sum(case when rule ~ '^un|-withdrawn$' then -amount else amount end) as amount
               from transfer
              where clinic_id = :clinic_id and refund_id is null
                and (rule in ('goodwill', 'goodwill-withdrawn') or rule ~ '^(un)?(paid|deposit)-(cash|bank|gateway)$')
              group by 1, 2) as posted on posted.payment_id = p.id and posted.currency = p.currency
 where p.clinic_id = :clinic_id and p.method not in ('credit', 'creditNote')
   and coalesce(posted.amount, 0) <> case p.status when 'succeeded' then p.amount else 0 end
 limit :limit
