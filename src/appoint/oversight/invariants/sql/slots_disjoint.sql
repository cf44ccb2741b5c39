-- A doctor's published slots never overlap.
select id::text as subject
  from (select id, lower(active_during) as starts,
               max(upper(active_during)) over (partition by doctor_id order by lower(active_during), id
                                       rows between unbounded preceding and 1 preceding) as taken_until
          from booking_slot
         where clinic_id = :clinic_id and active_during is not null) as each
 where starts < taken_until
 limit :limit
