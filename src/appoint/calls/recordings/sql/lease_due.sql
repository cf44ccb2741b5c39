-- Lease recordings that are due to be copied or deleted, the longest due first.
with due as (
  select clinic_id, id
    from recording
   where due_at <= :now and (leased_until is null or leased_until <= :now)
     and exists (select from clinic c where c.id = recording.clinic_id)  -- has not moved
   order by due_at
   limit :limit
     for no key update skip locked
)
update recording r
   set leased_until = :until, tries = r.tries + 1
  from due
 where r.clinic_id = due.clinic_id and r.id = due.id
returning r.clinic_id, r.id, r.call_id, r.gateway, r.provider_id, r.state, r.tries,
          coalesce((select s.recording_days from call_settings s where s.clinic_id = r.clinic_id), 30) as days
