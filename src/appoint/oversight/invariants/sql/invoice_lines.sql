-- The lines of an issued invoice add up to its total, cent by cent.
select i.id::text as subject
  from invoice i
  left join lateral (select range_agg(l.part) as parts, coalesce(sum(l.gross), 0) as gross
                       from invoice_line l
                      where l.clinic_id = i.clinic_id and l.invoice_id = i.id) as l on true
 where i.clinic_id = :clinic_id and i.status = 'issued'
   and (l.gross <> i.total or coalesce(l.parts, '{}') <> coalesce(int8multirange(i.whole), '{}'))
 limit :limit
