-- An appointment has at most one live video visit, and every video visit belongs to an appointment of the clinic.
select c.id::text as subject
  from (select clinic_id, id, appointment_id,
               live_appointment_id is not null
               and count(*) over (partition by live_appointment_id) > 1 as is_double
          from call
         where clinic_id = :clinic_id) as c
  left join appointment a on a.clinic_id = c.clinic_id and a.id = c.appointment_id
 where c.is_double or a.id is null
 limit :limit
