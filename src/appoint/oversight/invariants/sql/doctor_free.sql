-- A doctor never has two active appointments at the same time, including their buffers.
select id::text as subject
  from (select id, lower(active_claim) as starts,
               max(upper(active_claim)) over (partition by doctor_id order by lower(active_claim), id
                                       rows between unbounded preceding and 1 preceding) as taken_until
          from appointment
         where clinic_id = :clinic_id and active_claim is not null) as each
 where starts < taken_until
 limit :limit
