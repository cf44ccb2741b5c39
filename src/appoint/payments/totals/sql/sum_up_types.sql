-- What a clinic issued for each appointment type in a range of days. Lines without an appointment have no type.
with days as (
  select local_instant(:first_day::date, 0, time_zone) as first,
         local_instant(:last_day::date + 1, 0, time_zone) as last
    from clinic
   where id = :clinic_id
), lines as materialized (  -- for the whole clinic, because a lookup for each invoice takes much longer
  select l.invoice_id, l.appointment_id, l.gross
    from invoice_line l
   where l.clinic_id = :clinic_id
)
select t.name, i.currency, count(*)::integer as line_count, sum(l.gross)::bigint as issued
  from days
  join invoice i
    on i.clinic_id = :clinic_id and i.kind = 'invoice' and i.status = 'issued' and i.issued_at >= days.first
       and i.issued_at < days.last
  join lines l on l.invoice_id = i.id
  left join appointment a on a.clinic_id = :clinic_id and a.id = l.appointment_id
  left join appointment_type t on t.clinic_id = :clinic_id and t.id = a.appointment_type_id
 group by t.id, t.name, i.currency
 order by issued desc, t.name
