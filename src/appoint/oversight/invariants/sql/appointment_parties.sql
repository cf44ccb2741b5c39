-- An appointment's doctor and type belong to its clinic, and its patient and booker exist.
select a.id::text as subject
  from appointment a
  left join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
  left join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
  left join customer c on c.id = a.customer_id
  left join customer b on b.id = a.booker_id
 where a.clinic_id = :clinic_id
   and (d.id is null or c.id is null
        or a.appointment_type_id is not null and t.id is null
        or a.booker_id is not null and b.id is null)
 limit :limit
