-- The ledger contains every issued invoice and credit note, with its total, and no drafts.
select i.id::text as subject
  from invoice i
  left join (select invoice_id, currency, sum(amount) as amount
               from transfer
              where clinic_id = :clinic_id
                and rule in ('invoice-net', 'invoice-fee', 'invoice-tax',
                             'correction-net', 'correction-fee', 'correction-tax')
              group by 1, 2) as posted on posted.invoice_id = i.id and posted.currency = i.currency
 where i.clinic_id = :clinic_id and coalesce(posted.amount, 0) <> case i.status when 'issued' then i.total else 0 end
 limit :limit
