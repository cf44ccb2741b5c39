-- A pending transfer is posted or voided at most once, for the same amount and accounts.
select t.id::text as subject
  from (select *, count(*) over (partition by resolves_id) as times
          from transfer
         where clinic_id = :clinic_id and stage in ('posted', 'voided')) as t
  left join transfer p
    on p.clinic_id = t.clinic_id and p.pending_id = t.resolves_id and p.debit = t.debit and p.credit = t.credit
   and p.currency = t.currency and p.amount = t.amount
 where t.times > 1 or p.id is null
 limit :limit
