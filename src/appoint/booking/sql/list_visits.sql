-- Return the customers' own appointments and those that they booked for others, at all clinics: the upcoming and past
-- ones nearest to now.
with related as not materialized (
  select clinic_id, id, customer_id, doctor_id, appointment_type_id, during, status, link_number
    from appointment
   where customer_id = any(:customer_ids)
   union all
  select clinic_id, id, customer_id, doctor_id, appointment_type_id, during, status, link_number
    from appointment
   where booker_id = any(:customer_ids) and customer_id <> all(:customer_ids)
), visit as (
  (select * from related where lower(during) >= :now order by lower(during), id limit :limit)
  union all
  (select * from related where lower(during) < :now order by lower(during) desc, id limit :limit)
)
select v.id, v.clinic_id, lower(v.during) as start_time, upper(v.during) as end_time, c.time_zone, v.status,
       c.name as clinic, c.slug, c.active, d.name as doctor, t.name as type, p.name as for_whom,
       v.link_number
  from visit v
  join clinic c on c.id = v.clinic_id
  join customer p on p.id = v.customer_id
  join doctor d on d.clinic_id = v.clinic_id and d.id = v.doctor_id
  left join appointment_type t on t.clinic_id = v.clinic_id and t.id = v.appointment_type_id
 order by start_time, v.id
