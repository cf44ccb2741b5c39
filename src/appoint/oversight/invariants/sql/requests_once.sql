-- A repeated request never books a second appointment.
select id::text as subject
  from (select id, count(*) over (partition by idempotency_caller, idempotency_key, position) as times
          from appointment
         where clinic_id = :clinic_id and idempotency_key is not null) as each
 where times > 1
 limit :limit
