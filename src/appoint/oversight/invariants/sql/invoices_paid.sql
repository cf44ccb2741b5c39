-- No cent of an invoice is paid twice, and nothing is paid beyond its total or before it is issued.
select a.id::text as subject
  from (select clinic_id, id, invoice_id, currency, of_invoice,
               max(upper(of_invoice)) over (partition by invoice_id order by lower(of_invoice), id
                                            rows between unbounded preceding and 1 preceding) as taken_until
          from allocation
         where clinic_id = :clinic_id and of_invoice is not null) as a
  left join invoice i on i.clinic_id = a.clinic_id and i.id = a.invoice_id and i.currency = a.currency
 where lower(a.of_invoice) < a.taken_until or not coalesce(i.payable @> a.of_invoice, false)
 limit :limit
