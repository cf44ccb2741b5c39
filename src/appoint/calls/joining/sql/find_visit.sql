-- An online appointment with its call, for those who join it.
select a.id as appointment_id, a.clinic_id, a.status, a.sequence, a.link_number, a.customer_id,
       lower(a.during) as start_time, upper(a.during) as end_time,
       c.time_zone, c.name as clinic, c.slug, coalesce(s.phone, c.phone) as phone,
       coalesce(s.opens_before_minutes, 15) as opens_before_minutes,
       a.doctor_id, d.name as doctor, t.name as type, t.preparation,
       coalesce(t.mode = 'online', false) as is_online, s.gateway as choice,
       coalesce(a.rescheduled_at, a.created_at) as arranged_at,
       u.name as patient, u.phone as patient_phone, u.email as patient_email, u.time_zone as patient_time_zone,
       v.id, v.gateway, v.state, v.error, v.updated_at as wanted_at, v.due_at, v.waiting_since, v.opened_at,
       v.patient_joined_at, v.doctor_joined_at, v.delay_minutes
  from appointment a
  join clinic c on c.id = :clinic_id
  join doctor d on d.clinic_id = :clinic_id and d.id = a.doctor_id
  left join lateral (select name, phone, email, time_zone from clinic_customer where id = a.customer_id) as u on true
  left join appointment_type t on t.clinic_id = :clinic_id and t.id = a.appointment_type_id
  left join call_settings s on s.clinic_id = :clinic_id
  left join call v on v.clinic_id = :clinic_id and v.appointment_id = a.id and v.sequence = a.sequence
 where a.clinic_id = :clinic_id and a.id = :appointment_id
