-- Nothing is left of erased customers: no details, sessions, clinics' notes or guardianships.
select c.id::text as subject
  from customer c
 where c.erased_at is not null
   and (c.active or c.name <> '(erased)' or num_nonnulls(c.email, c.phone, c.locale, c.time_zone,
         c.birth_date, c.postal_address) > 0
        or exists (select from session s where s.customer_id = c.id)
        or exists (select from patient p where p.noted_id = c.id or p.corrected_id = c.id)
        or exists (select from guardianship g where c.id in (g.guardian_id, g.ward_id)))
 limit :limit
