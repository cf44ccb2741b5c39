-- People with several joined records never have two active appointments at the same time.
select id::text as subject
  from (select id, lower(customer_during) as starts,
               max(upper(customer_during)) over (partition by person_id order by lower(customer_during), id
                                       rows between unbounded preceding and 1 preceding) as taken_until
          from appointment
         where clinic_id = :clinic_id and customer_during is not null
           and person_id <> '00000000-0000-0000-0000-000000000000') as each
 where starts < taken_until
 limit :limit
