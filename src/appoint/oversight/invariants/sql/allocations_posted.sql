-- When a deposit or credit pays an invoice, the ledger moves the same amount, and moves it back if that is undone.
select a.id::text as subject
  from allocation a
  join payment p on p.clinic_id = a.clinic_id and p.id = a.payment_id
  left join (select allocation_id, currency,
                    sum(case when rule like '%-released' then -amount else amount end) as amount
               from transfer
              where clinic_id = :clinic_id
                and rule in ('deposit-applied', 'deposit-released', 'credit-spent', 'credit-released')
              group by 1, 2) as posted on posted.allocation_id = a.id and posted.currency = a.currency
 where a.clinic_id = :clinic_id and a.invoice_id is not null
   and coalesce(posted.amount, 0)
       <> case when a.undone_at is null and (p.deposit or p.method in ('credit', 'goodwill')) then a.amount else 0 end
 limit :limit
