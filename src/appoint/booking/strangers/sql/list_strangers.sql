-- Return a clinic's appointments booked by strangers, newest first. The clinic sees a person's name only once it has a
-- record of them, and never the whole address.
select a.id, a.doctor_id, d.name as doctor_name, a.customer_id,
       case when a.status <> 'pending' and not a.only_held
            then (select c.name
                    from patient p
                   where p.clinic_id = :clinic_id and p.customer_id = a.customer_id) end as name,
       coalesce(left(c.email, 1) || '•••@' || split_part(c.email, '@', -1),
                left(c.phone, 3) || '•••' || right(c.phone, 2))
         as sent_to,
       lower(a.during) as start_time, upper(a.during) as end_time, a.status, s.created_at, s.networks
  from stranger_appointment s
  join appointment a on a.clinic_id = :clinic_id and a.id = s.appointment_id
  join doctor d on d.clinic_id = :clinic_id and d.id = a.doctor_id
  join customer c on c.id = a.customer_id
 where s.clinic_id = :clinic_id
   and (:network::bytea is null or s.networks @> array[:network])
   and (:address::text is null or lower(c.email) = :address or c.phone = :address
        or '@' || split_part(lower(c.email), '@', -1) = :address)
   and (:first::date is null
        or s.created_at >= (select local_instant(:first, 0, time_zone) from clinic where id = :clinic_id))
   and (:last::date is null
        or s.created_at < (select local_instant(:last + 1, 0, time_zone) from clinic where id = :clinic_id))
   and (not :live::boolean or a.active_during is not null)
   and (:made_before::timestamptz is null or (s.created_at, a.id) < (:made_before, :last_id::uuid))
 order by s.created_at desc, a.id desc
 limit :limit + 1
