-- Credit notes never take back more than their invoice's total.
select note.corrects_id::text as subject
  from invoice note
  left join invoice i on i.clinic_id = note.clinic_id and i.id = note.corrects_id and i.kind = 'invoice'
 where note.clinic_id = :clinic_id and note.kind = 'creditNote' and note.status = 'issued'
 group by note.corrects_id, i.total
having sum(note.total) > coalesce(i.total, 0)
 limit :limit
