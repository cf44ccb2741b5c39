-- The server cannot read customers who are not yet a clinic's patients. This function returns only what decides
-- whether a doctor sees someone: their birth date as the clinic knows it, and whether they are already a patient
-- there.
create function patient_facts(clinic integer, customers uuid[])
  returns table (customer_id uuid, birth_date date, is_known boolean)
  language sql stable security definer
  begin atomic
    select c.id, coalesce(p.corrected_birth_date, c.birth_date),
           case when p.customer_id is not null then true end
      from customer c
      left join patient p on p.clinic_id = clinic and p.customer_id = c.id
     where c.id = any(customers);
  end;
revoke execute on function patient_facts from public;
grant execute on function patient_facts to appoint_server, appoint_across;
