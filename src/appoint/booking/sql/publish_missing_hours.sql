-- Publish whatever part of each request's time the doctor's hours do not cover, for that request alone.
with lacking as materialized (
  select r.doctor_id, c.time_zone,
         tstzmultirange(tstzrange(r.starts_at, r.ends_at))
         - coalesce((select range_agg(s.active_during)
                       from booking_slot s
                      where s.clinic_id = :clinic_id and s.doctor_id = r.doctor_id
                        and s.active_during && tstzrange(r.starts_at, r.ends_at)), '{}') as pieces
    from clinic c
   cross join unnest(:doctor_ids::uuid[], :starts::timestamptz[], :ends::timestamptz[])
           as r (doctor_id, starts_at, ends_at)
   where c.id = :clinic_id
), published as (
  insert into booking_slot (clinic_id, id, doctor_id, date, during, source, remnant)
  select :clinic_id, mint_id(:clinic_id), doctor_id, (lower(piece) at time zone time_zone)::date, piece, 'manual', true
    from lacking, unnest(pieces) as piece
   -- compute all pieces before the first insert: see tests/database/test_gist_scans.py
   where (select count(*) from lacking) > 0
  on conflict do nothing  -- if two requests want the same time, a later check refuses one
  returning clinic_id, id, version, doctor_id, during
)
insert into event (clinic_id, type, subject_id, subject_version, data)
select clinic_id, 'slot.published', id::text, version, slot_event_data(doctor_id, during)
  from published
