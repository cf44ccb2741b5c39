-- A person's joined records all belong to one main record of the same clinic.
select p.customer_id::text as subject
  from patient p
  left join patient main on main.clinic_id = p.clinic_id and main.customer_id = p.main_id
 where p.clinic_id = :clinic_id and p.main_id is not null and main.person_id is distinct from p.person_id
 limit :limit
