-- Publish the weekly schedules on a range of dates, except for time that is already published.
with published as (
  select b.doctor_id, b.date, range_agg(b.active_during) as during
    from clinic c
    join booking_slot b on b.clinic_id = c.id and (:doctor_id::uuid is null or b.doctor_id = :doctor_id)
                       and b.active_during && tstzrange(local_instant(:first, 0, c.time_zone),
                                                        local_instant(:last::date + 1, 0, c.time_zone))
   where c.id = :clinic_id
   group by b.doctor_id, b.date
), line as materialized (
  select s.doctor_id, s.date, s.time_slot_id, s.pieces - coalesce(p.during, '{}') as pieces
    from scheduled(:clinic_id, :doctor_id, :first, :last) s
    left join published p using (doctor_id, date)
), inserted as (
  insert into booking_slot (clinic_id, id, doctor_id, date, during, time_slot_id)
  select :clinic_id, mint_id(:clinic_id), doctor_id, date, piece, time_slot_id
    from line, unnest(pieces) as piece
   -- compute all lines before the first insert; otherwise each would scan the rows inserted before it
   where (select count(*) from line) > 0
  on conflict do nothing
  returning 1
), result as (
  select (select count(*) from inserted) as created, (select count(*) from line where isempty(pieces)) as skipped
), events as (
  insert into event (clinic_id, type, subject_id, subject_version, data)
  select :clinic_id, 'slots.generated', coalesce(:doctor_id::text, :clinic_id::text), coalesce(d.version, c.version),
         jsonb_build_object('created', created, 'from', :first, 'to', :last)
    from result
    join clinic c on c.id = :clinic_id
    left join doctor d on d.clinic_id = :clinic_id and d.id = :doctor_id
   where created > 0
)
select created, skipped from result
