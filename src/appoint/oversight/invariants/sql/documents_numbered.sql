-- Every issued invoice and every receipt has a number of its own, and every number has a document.
select coalesce(d.id::text, n.series || '-' || n.number) as subject
  from (select id, series, number from invoice where clinic_id = :clinic_id and status = 'issued'
         union all
        select id, series, number from payment where clinic_id = :clinic_id and number is not null) as d
  full join (select series, number, coalesce(invoice_id, payment_id) as document_id
               from document_number
              where clinic_id = :clinic_id) as n on n.series = d.series and n.number = d.number and n.document_id = d.id
 where d.id is null or n.number is null
 limit :limit
