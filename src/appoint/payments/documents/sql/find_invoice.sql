-- An issued invoice or credit note with everything that its document says.
select i.customer_id, i.kind, i.series, i.number, i.issued_at, i.due_on, i.language, i.currency, i.note,
       i.buyer::text as buyer, i.seller::text as seller, c.time_zone, corrected.series as corrected_series,
       corrected.number as corrected_number, corrected.issued_at as corrected_issued_at, lines.list::text as lines
  from invoice i
  join clinic c on c.id = i.clinic_id
  left join invoice corrected on corrected.clinic_id = i.clinic_id and corrected.id = i.corrects_id
 cross join lateral (
   select json_agg(json_build_object(
            'description', l.description, 'suppliedOn', l.supplied_on, 'quantity', l.quantity,
            'unitAmount', l.unit_amount,
            'discountAmount', l.discount_amount, 'includesTax', l.includes_tax,
            'tax', json_build_array(l.tax_category, l.tax_rate, l.tax_reason),
            'amounts', json_build_array(l.net, l.tax, l.gross), 'doctor', d.name, 'startTime', lower(a.during)
          ) order by l.position) as list
     from invoice_line l
     left join appointment a on a.clinic_id = l.clinic_id and a.id = l.appointment_id
     left join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
    where l.clinic_id = i.clinic_id and l.invoice_id = i.id) as lines
 where i.clinic_id = :clinic_id
   and i.id = :invoice_id
   and i.status = 'issued'
