-- Appointments start and end on whole minutes, and the time that they claim contains the appointment itself.
select id::text as subject
  from appointment
 where clinic_id = :clinic_id
   and not (claimed @> during and half_open(during) and half_open(claimed)
            and (lower(during) < '1973-01-01Z'  -- until then, some time zones had offsets with seconds
                 or date_trunc('minute', lower(during)) = lower(during)
                    and date_trunc('minute', upper(during)) = upper(during)))
 limit :limit
