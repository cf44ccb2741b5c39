-- The ledger contains every successful refund and lost dispute, with its amount, and no pending or failed refunds.
select r.id::text as subject
  from refund r
  left join (select refund_id, currency,
                    sum(case when rule in ('paid-gateway', 'deposit-gateway') then -amount else amount end) as amount
               from transfer
              where clinic_id = :clinic_id and refund_id is not null
                and (rule ~ '^(refund|dispute-lost)-'
                     or rule in ('paid-gateway', 'deposit-gateway'))  -- the refund succeeded at first, and then failed
              group by 1, 2) as posted on posted.refund_id = r.id and posted.currency = r.currency
 where r.clinic_id = :clinic_id
   and coalesce(posted.amount, 0) <> case r.status when 'succeeded' then r.amount else 0 end
 limit :limit
