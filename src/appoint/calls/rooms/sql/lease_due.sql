-- Lease calls whose room is due to be made or ended, the longest due first.
with due as (
  select clinic_id, id
    from call
   where due_at <= :now and (leased_until is null or leased_until <= :now)
   order by due_at
   limit :limit
     for no key update skip locked
)
update call c
   set leased_until = :until, tries = c.tries + 1
  from due
 where c.clinic_id = due.clinic_id and c.id = due.id
returning c.clinic_id, c.id, c.appointment_id, c.gateway, c.state, c.tries, lower(c.during) as starts_at,
          upper(c.during) as ends_at, c.updated_at as wanted_at,
          (select a.doctor_id from appointment a where a.clinic_id = c.clinic_id and a.id = c.appointment_id)
            as doctor_id
