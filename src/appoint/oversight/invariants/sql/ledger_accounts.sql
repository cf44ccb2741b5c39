-- Each transfer moves a positive amount between two accounts of its clinic in one currency, so the books balance.
select t.id::text as subject
  from transfer t
  left join account d on d.clinic_id = t.clinic_id and d.name = t.debit and d.currency = t.currency
  left join account c on c.clinic_id = t.clinic_id and c.name = t.credit and c.currency = t.currency
 where t.clinic_id = :clinic_id and (d.name is null or c.name is null or t.debit = t.credit or t.amount <= 0)
 limit :limit
