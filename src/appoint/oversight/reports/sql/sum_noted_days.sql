-- Recalculate the sums for the days in the oldest notes, for one clinic or all. Return the number of notes.
with taken as (
  delete from unsummed
   where (clinic_id, id) in (select clinic_id, id
                               from unsummed
                              where (:clinic_id::integer is null or clinic_id = :clinic_id)
                                and exists (select from clinic c where c.id = unsummed.clinic_id)  -- has not moved
                              order by id
                              limit :limit)
  returning clinic_id, doctor_id, days
), stretch as materialized (
  select clinic_id, doctor_id, lower(days) as first, upper(days) - 1 as last
    from (select d.clinic_id, d.id as doctor_id, unnest(range_agg(t.days)) as days
            from taken t
            join doctor d on d.clinic_id = t.clinic_id and d.id = coalesce(t.doctor_id, d.id)
           group by d.clinic_id, d.id) merged
), current as materialized (
  select t.clinic_id, t.doctor_id, s.*, coalesce(f.minutes, 0) as longest_free_minutes
    from stretch t
   cross join lateral summed(t.clinic_id, t.doctor_id, t.first, t.last) s
    left join lateral (select * from longest_free(t.clinic_id, t.doctor_id, t.first, t.last) offset 0) f
           on f.date = s.date
), deleted as (
  delete from doctor_day d using stretch t
   where d.clinic_id = t.clinic_id and d.doctor_id = t.doctor_id
     and d.date between coalesce(t.first, '-infinity') and coalesce(t.last, 'infinity')
     and not exists (select from current c
                      where c.clinic_id = d.clinic_id and c.doctor_id = d.doctor_id and c.date = d.date)
), written as (
  insert into doctor_day as d (clinic_id, date, doctor_id, opens, published_minutes, booked_minutes, booked, cancelled,
                               missed, kept, lead_days, lead, longest_free_minutes)
  select clinic_id, date, doctor_id, opens, published_minutes, booked_minutes, booked, cancelled, missed, kept,
         lead_days, lead, longest_free_minutes
    from current
   order by clinic_id, date, doctor_id
  on conflict (clinic_id, date, doctor_id) do update
     set opens = excluded.opens, published_minutes = excluded.published_minutes,
         booked_minutes = excluded.booked_minutes, booked = excluded.booked, cancelled = excluded.cancelled,
         missed = excluded.missed, kept = excluded.kept, lead_days = excluded.lead_days, lead = excluded.lead,
         longest_free_minutes = excluded.longest_free_minutes
   where d is distinct from excluded
)
select count(*) from taken
