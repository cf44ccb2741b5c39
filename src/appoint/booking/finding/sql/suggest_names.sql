-- Return clinics and doctors whose names contain a word that begins like the text, the most similar first. Leave out
-- those without published hours that have not ended.
with query as materialized (
  select folded(:text::text) as text, set_config('pg_trgm.word_similarity_threshold', '0.5', true)
), clinic_match as materialized (  -- each stops after more rows than a list shows
  select c.id as clinic_id, null::uuid as doctor_id, c.name, word_similarity(q.text, spellings(c.name)) as score
    from query q
   cross join lateral (select * from clinic c where q.text <% spellings(c.name) and c.active limit 100) c
   where exists (select
                   from doctor d
                  where d.clinic_id = c.id and d.active
                    and (select true from booking_slot s
                          where s.clinic_id = c.id and s.doctor_id = d.id
                            and s.active_during && tstzrange(:now::timestamptz, null) limit 1))
), doctor_match as materialized (
  select d.clinic_id, d.id, d.name, word_similarity(q.text, spellings(d.name)) as score
    from query q
   cross join lateral (
           select *
             from doctor d
            where q.text <% spellings(d.name || ' ' || coalesce(d.specialty, '')) and q.text <% spellings(d.name)
              and d.active
            limit 100
         ) d
   where (select true from booking_slot s
           where s.clinic_id = d.clinic_id and s.doctor_id = d.id
             and s.active_during && tstzrange(:now, null) limit 1)
)
select m.doctor_id, m.name, c.id as clinic_id, coalesce(c.slug, c.id::text) as slug, c.name as clinic, c.address
  from (select * from clinic_match union all select * from doctor_match) m
  join clinic c on c.id = m.clinic_id and c.active
 order by m.score desc, m.name, c.id
 limit :limit::integer
