-- Return the customers' own appointments, those that they booked for others, and their wards' appointments, at all
-- clinics: the upcoming and past ones nearest to now. Leave out bookings that staff undid before any message about them
-- could be sent, because their patients never heard of them.
with related as not materialized (
  select clinic_id, id, customer_id, doctor_id, appointment_type_id, during, status, link_number, cancel_cause,
         created_at, updated_at
    from appointment
   where customer_id = any(:customer_ids)
   union all
  select clinic_id, id, customer_id, doctor_id, appointment_type_id, during, status, link_number, cancel_cause,
         created_at, updated_at
    from appointment
   where booker_id = any(:customer_ids) and customer_id <> all(:customer_ids)
   union all
  select a.clinic_id, a.id, a.customer_id, a.doctor_id, a.appointment_type_id, a.during, a.status, a.link_number,
         a.cancel_cause, a.created_at, a.updated_at
    from unnest(:ward_ids::uuid[], :ward_clinic_ids::integer[]) as w (id, clinic_id)
    join appointment a on a.customer_id = w.id and (w.clinic_id is null or a.clinic_id = w.clinic_id)
   where a.customer_id <> all(:customer_ids) and coalesce(a.booker_id <> all(:customer_ids), true)
     and a.status <> 'pending'
), shown as not materialized (
  select * from related where cancel_cause is distinct from 'undone' or updated_at >= created_at + :undo_window
), visit as (
  (select * from shown where lower(during) >= :now order by lower(during), id limit :limit)
  union all
  (select * from shown where lower(during) < :now order by lower(during) desc, id limit :limit)
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
