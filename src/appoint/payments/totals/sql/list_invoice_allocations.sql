-- What pays an invoice, oldest first, including what has been undone.
select a.id, a.payment_id, p.method, a.amount, a.currency, a.created_at, a.undone_at, p.series, p.number,
       p.credit_note_id, n.series as note_series, n.number as note_number
  from allocation a
  join payment p on p.clinic_id = :clinic_id and p.id = a.payment_id
  left join invoice n on n.clinic_id = :clinic_id and n.id = p.credit_note_id
 where a.clinic_id = :clinic_id and a.invoice_id = :invoice_id
 order by a.id
