-- Invoices and receipts are numbered from 1, without gaps.
select n.series || '-' || n.number as subject
  from document_number n
  left join document_number previous
    on previous.clinic_id = n.clinic_id and previous.series = n.series and previous.number = n.number - 1
 where n.clinic_id = :clinic_id and (n.number < 1 or n.number > 1 and previous.number is null)
 limit :limit
