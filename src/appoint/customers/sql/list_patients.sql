-- Return a clinic's or a doctor's patients, ordered by date of registration. Joined records appear once, as their main
-- record, and are found by the details of any of them.
select p.customer_id as id, p.customer_id, p.clinic_id, p.record_number, p.notes, p.created_at,
       p.version + c.version - 1 as version, greatest(p.updated_at, c.updated_at) as updated_at, c.name, c.email,
       c.phone, c.locale, c.time_zone, c.birth_date, c.postal_address, c.active,
       coalesce(others.ids, '{}') as joined_ids
  from listed_patient p
  join clinic_customer c on c.id = p.customer_id
  left join lateral (  -- reads nothing for the many records that are not joined
    select array_agg(o.customer_id order by o.customer_id) as ids, array_agg(oc.birth_date) as birth_dates,
           max(greatest(o.updated_at, oc.updated_at)) as updated_at,
           string_agg(concat_ws(' ', oc.words, folded(o.record_number), translate(o.record_number, ' ()./+-', '')),
                      ' ') as words
      from patient o
      join clinic_customer oc on oc.id = o.customer_id
     where o.clinic_id = :clinic_id and o.main_id = p.main_id and o.customer_id <> p.customer_id) as others on true
 cross join lateral (
   select concat_ws(' ', c.words, folded(p.record_number), translate(p.record_number, ' ()./+-', ''), others.words)
            as words) as searched
 where p.clinic_id = :clinic_id and coalesce(p.main_id = p.customer_id, true)
   and (:words::text[] = '{}'
        or searched.words like all (array(select folded(word) from unnest(:words::text[]) as word)))
   and (:date_pattern = '%' or c.birth_date = any(:birth_dates::date[])
        or others.birth_dates && :birth_dates::date[] or searched.words like folded(:date_pattern))
   and p.customer_id > :after::uuid
   and (:updated_since::timestamptz is null
        or greatest(p.updated_at, c.updated_at, others.updated_at) >= :updated_since::timestamptz)
   and (:doctor_id::uuid is null
        or exists (select
                     from appointment a
                    where a.clinic_id = :clinic_id and a.customer_id = p.customer_id and a.doctor_id = :doctor_id
                      and a.status in ('booked', 'arrived', 'checked-in', 'fulfilled'))
        or exists (select
                     from appointment a
                    where a.clinic_id = :clinic_id and a.customer_id = any(others.ids) and a.doctor_id = :doctor_id
                      and a.status in ('booked', 'arrived', 'checked-in', 'fulfilled')))
 order by p.customer_id
 limit :limit::integer + 1
