-- Return active clinics that match the text, the place and the filters, with the doctors who match and have published
-- hours that have not ended. The nearest clinics come first or, in a search without a place, the best matches.
with query as materialized (
  -- let `<%` allow one mistake in a six-letter word, in this statement only
  select folded(:text::text) as text, set_config('pg_trgm.word_similarity_threshold', '0.5', true)
   where :text is not null
), near as materialized (
  select c.id, case when :latitude is not null then away.km end as km  -- `least` ignores nulls
    from clinic c
   cross join lateral (
           select 12742 * asin(least(1, sqrt(
                    sin(radians(c.latitude - :latitude::double precision) / 2) ^ 2
                    + cos(radians(c.latitude)) * cos(radians(:latitude))
                      * sin(radians(c.longitude - :longitude::double precision) / 2) ^ 2))) as km
         ) as away
   where c.active
     and (:latitude is null
          or (c.latitude is not null and away.km <= coalesce(:within_km::double precision, away.km)))
), match as materialized (  -- each branch reads one index, and stops once it has more rows than a list shows
  select each.*, word_similarity(q.text, spellings(each.words)) as score, q.text <% spellings(each.name) as is_name
    from query q
   cross join lateral (
          (select c.id as clinic_id, null::uuid as doctor_id, null::uuid as type_id, c.name as words, null as name
             from clinic c
            where q.text <% spellings(c.name) and c.active and c.id in (select id from near)
            limit 300)
           union all
          (select d.clinic_id, d.id, null, d.name || ' ' || coalesce(d.specialty, ''), d.name
             from doctor d
            where q.text <% spellings(d.name || ' ' || coalesce(d.specialty, '')) and d.active
              and d.clinic_id in (select id from near)
            limit 300)
           union all
          (select t.clinic_id, null, t.id, t.name, null
             from appointment_type t
            where q.text <% spellings(t.name) and t.active and t.clinic_id in (select id from near)
            limit 300)
         ) as each
   union all
  (select d.clinic_id, d.id, null, null, null, 1, false
     from doctor d
    where d.specialties && :codes::text[] and d.active and d.clinic_id in (select id from near)
    limit 300)
), matched as materialized (
  select clinic_id, max(score) as score,
         array_agg(doctor_id) filter (where doctor_id is not null) as doctor_ids,
         array_agg(doctor_id) filter (where is_name) as named_ids,
         array_agg(type_id) filter (where type_id is not null) as type_ids,
         bool_or(doctor_id is null and type_id is null) as by_clinic
    from match
   where score > (select max(score) from match) - 0.3
   group by clinic_id
), candidate as materialized (
  select c.id, c.name, coalesce(c.slug, c.id::text) as slug, c.address, c.time_zone, lower(c.name) as sort_name, n.km,
         coalesce(n.km, -coalesce(m.score, 0)) as rank,
         m.doctor_ids, m.named_ids, m.type_ids, coalesce(m.by_clinic, true) as by_clinic
    from near n
    join clinic c on c.id = n.id
    left join matched m on m.clinic_id = c.id
   where :text is null or m.clinic_id is not null
)
select c.id, c.name, c.slug, c.address, c.time_zone, c.km, c.named_ids, c.type_ids, fitting.doctor_ids, c.rank,
       c.sort_name
  from (select *
          from candidate
         where :after::integer is null
            or (rank, sort_name, id) > (select b.rank, b.sort_name, b.id from candidate b where b.id = :after)
         order by rank, sort_name, id) c
 cross join lateral (
         select array_agg(each.id) as doctor_ids
           from (select d.id
                   from doctor d
                  where d.clinic_id = c.id and d.active
                    and (c.by_clinic
                         or d.id = any(c.doctor_ids)
                         or (c.type_ids is not null
                             and (not exists (select
                                                from doctor_appointment_type o
                                               where o.clinic_id = c.id and o.doctor_id = d.id)
                                  or exists (select
                                               from doctor_appointment_type o
                                              where o.clinic_id = c.id and o.doctor_id = d.id
                                                and o.appointment_type_id = any(c.type_ids)))))
                    and (:specialty::text is null
                         or :specialty = any(d.specialties)
                         or folded(d.specialty) = (select folded(:specialty)))
                    and (:language::text is null or :language = any(d.languages))
                    -- only a preselection: a pure rule decides whom a doctor sees
                    and (:age::integer is null
                         or :age between coalesce(d.min_age, 0) and coalesce(d.max_age, 150))
                    and (:patients::text is null or d.patients in ('everyone', :patients))
                    -- doctor by doctor; `exists` would scan all slots first
                    and (select true from booking_slot s
                          where s.clinic_id = c.id and s.doctor_id = d.id
                            and s.active_during && tstzrange(:now::timestamptz, null) limit 1)
                  limit :max_doctors) as each
         having count(*) > 0
       ) as fitting
 order by c.rank, c.sort_name, c.id
 limit :limit::integer + 1
