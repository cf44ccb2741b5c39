-- A clinic's time slots never overlap.
select id::text as subject
  from (select id, lower(active_minutes) as starts,
               max(upper(active_minutes)) over (partition by clinic_id order by lower(active_minutes), id
                                       rows between unbounded preceding and 1 preceding) as taken_until
          from time_slot
         where clinic_id = :clinic_id and active_minutes is not null) as each
 where starts < taken_until
 limit :limit
