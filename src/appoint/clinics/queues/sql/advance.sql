with advanced as (
  update visitor_queue q
     set served = greatest(q.served, least(
           case when q.opens_at > now() and q.shuffled_after is not null then q.shuffled_after else q.issued end,
           q.served + pace.number)),
         shuffled_until = case when q.shuffled_after is not null and q.shuffled_until is null and q.opens_at <= now()
                               then q.issued else q.shuffled_until end,
         missed = case when q.marked_at <= pace.marked_before then q.marked else q.missed end,
         marked = case when q.marked_at <= pace.marked_before then q.served else q.marked end,
         marked_at = case when q.marked_at <= pace.marked_before then now() else q.marked_at end
    from (select p.clinic_id, p.number,
                 -- while a process lets no one in, visitors may be waiting for their pass, and no turn is missed
                 case when p.number > 0 then now() - interval '10 minutes' end as marked_before
            from unnest(:clinic_ids::integer[], :numbers::bigint[]) as p(clinic_id, number)) as pace
   where q.clinic_id = pace.clinic_id and q.opened_at is not null
  returning q.*
), current as (
  select * from advanced
   union all
  select * from visitor_queue q
   where (q.opened_at is not null or q.opens_at is not null)
     and q.clinic_id not in (select a.clinic_id from advanced a)
)
select q.clinic_id, q.opened_at, q.opened_by, q.opens_at, q.issued, q.served, q.missed, q.shuffled_after,
       q.shuffled_until, c.name, c.slug, c.time_zone
  from current q
  left join clinic c on c.id = q.clinic_id
