-- Return a clinic's or a doctor's patients in alphabetical order, those with the search's words at the start of a name
-- before those with them inside one. Joined records appear once, as their main record, and are found by the details of
-- any of them.
select customer_id, name, email, phone, birth_date, record_number, active, is_joined
  from (
    select p.customer_id, c.name, c.email, c.phone, c.birth_date, p.record_number, c.active,
           others.ids is not null as is_joined, match.is_inside, c.words
      from patient p
      join clinic_customer c on c.id = p.customer_id
      left join lateral (  -- reads nothing for the many records that are not joined
        select array_agg(o.customer_id order by o.customer_id) as ids, array_agg(oc.birth_date) as birth_dates,
               string_agg(concat_ws(' ', oc.words, folded(o.record_number), translate(o.record_number, ' ()./+-', '')),
                          ' ') as words
          from patient o
          join clinic_customer oc on oc.id = o.customer_id
         where o.clinic_id = :clinic_id and o.main_id = p.main_id and o.customer_id <> p.customer_id) as others on true
     cross join lateral (
       select concat_ws(' ', c.words, folded(p.record_number), translate(p.record_number, ' ()./+-', ''), others.words)
                as words) as searched
     cross join lateral (
       select not ' ' || replace(c.words, '-', ' ')
                  like all (array(select folded(start) from unnest(:starts::text[]) as start)) as is_inside) as match
     where p.clinic_id = :clinic_id and coalesce(p.main_id = p.customer_id, true)
       and (:words::text[] = '{}'
            or searched.words like all (array(select folded(word) from unnest(:words::text[]) as word)))
       and (:date_pattern = '%' or c.birth_date = any(:birth_dates::date[])
            or others.birth_dates && :birth_dates::date[] or searched.words like folded(:date_pattern))
       -- `words` begins with the name, in lower case and without accents
       and (:initial::text is null or c.words like folded(:initial) || '%')
       and (:after::uuid is null
            or (match.is_inside, c.words, p.customer_id)
               > (select not ' ' || replace(o.words, '-', ' ')
                         like all (array(select folded(start) from unnest(:starts::text[]) as start)), o.words, o.id
                    from clinic_customer o
                   where o.id = :after))
       and (:doctor_id::uuid is null
            or exists (select
                         from appointment a
                        where a.clinic_id = :clinic_id and a.customer_id = p.customer_id and a.doctor_id = :doctor_id
                          and a.status in ('booked', 'arrived', 'checked-in', 'fulfilled'))
            or exists (select
                         from appointment a
                        where a.clinic_id = :clinic_id and a.customer_id = any(others.ids) and a.doctor_id = :doctor_id
                          and a.status in ('booked', 'arrived', 'checked-in', 'fulfilled')))
     order by match.is_inside, c.words, p.customer_id
    offset 0) as named
 -- in order, and only until there are enough: it takes longer than anything else to look at their appointments
 where (select true from listed_patient l where l.clinic_id = :clinic_id and l.customer_id = named.customer_id)
 order by is_inside, words, customer_id
 limit :limit::integer + 1
