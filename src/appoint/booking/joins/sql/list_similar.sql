-- Return the clinic's patients who are probably the same person: with nearly the same name, or with a similar name and
-- the same date of birth, email address or phone number. People with different dates of birth are different people.
--
-- Similarity is slow to compute, so compute it only for patients who have something else in common with the person.
with sketch as materialized (
  select folded(:name::text) as name, array(select '%' || word || '%'
                                              from regexp_split_to_table(folded(:name::text), '\s+') as word
                                             where length(word) > 1) as words
), candidate as materialized (
  select p.customer_id, p.record_number, c.name, c.email, c.phone, c.birth_date, s.name as wanted,
         coalesce(c.birth_date = :birth_date::date, false) as same_birth_date,
         coalesce(lower(c.email) = lower(:email::text), false) as same_email,
         coalesce(c.phone = :phone::text, false) as same_phone
    from patient p
    join clinic_customer c on c.id = p.customer_id
   cross join sketch s
   where p.clinic_id = :clinic_id and coalesce(p.main_id = p.customer_id, true)
     and p.customer_id <> all(:excluding::uuid[]) and c.active
     and coalesce(c.birth_date = :birth_date::date, true)
     and (c.words like all (s.words) or c.birth_date = :birth_date::date or lower(c.email) = lower(:email::text)
          or c.phone = :phone::text)
), match as (
  select c.*, similarity(folded(c.name), c.wanted) as likeness from candidate c
)
select customer_id, name, email, phone, birth_date, record_number,
       array_remove(array['name', case when same_email then 'email' end, case when same_phone then 'phone' end,
                          case when same_birth_date then 'birthDate' end], null) as same
  from match
 where likeness >= 0.8 or likeness >= 0.4 and (same_birth_date or same_email or same_phone)
 order by same_birth_date::integer + same_email::integer + same_phone::integer + likeness desc, customer_id
 limit :limit::integer
