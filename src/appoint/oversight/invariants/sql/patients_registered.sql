-- Everyone with an appointment that was ever booked is the clinic's patient, under the same person's record.
select a.id::text as subject
  from appointment a
  left join patient p on p.clinic_id = a.clinic_id and p.customer_id = a.patient_id
 where a.clinic_id = :clinic_id and a.patient_id is not null and a.person_id is distinct from p.person_id
 limit :limit
