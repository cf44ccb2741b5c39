-- A patient never has two active appointments at the same time, unless staff have overridden this.
select id::text as subject
  from (select id, lower(customer_during) as starts,
               max(upper(customer_during)) over (partition by customer_id order by lower(customer_during), id
                                       rows between unbounded preceding and 1 preceding) as taken_until
          from appointment
         where clinic_id = :clinic_id and customer_during is not null) as each
 where starts < taken_until
 limit :limit
