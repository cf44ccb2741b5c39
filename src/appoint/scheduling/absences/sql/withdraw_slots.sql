-- Withdraw the time published in a range, for one doctor or for all. This has to be one statement, because a slot with
-- an appointment in it can only be replaced before the foreign key within_hours is checked.
with live as materialized (
  select a.id, a.doctor_id, a.active_during as during, a.status, a.needs_rebooking,
         (lower(a.during) at time zone c.time_zone)::date as date
    from clinic c
    join appointment a on a.clinic_id = c.id and (:doctor_id::uuid is null or a.doctor_id = :doctor_id)
                      and a.active_claim && tstzrange(:start, :end) and a.active_during && tstzrange(:start, :end)
   where c.id = :clinic_id
), cut as materialized (  -- an appointment may extend beyond the range, and into adjacent slots
  select s.id, s.doctor_id, s.date, s.source, s.time_slot_id,
         array(select unnest(tstzmultirange(s.active_during) - tstzmultirange(tstzrange(:start, :end))
                             - coalesce(l.during, '{}'))) as pieces
    from booking_slot s
    left join (select doctor_id, range_agg(during) as during from live group by doctor_id) l using (doctor_id)
   where s.clinic_id = :clinic_id and (:doctor_id::uuid is null or s.doctor_id = :doctor_id) and not s.remnant
     and s.active_during && tstzrange(:start::timestamptz - interval '25 hours',
                                      :end::timestamptz + interval '25 hours')
     and (s.active_during && tstzrange(:start, :end) or s.active_during && l.during)
), deleted as (
  delete from booking_slot
   where clinic_id = :clinic_id and id in (select id from cut where cardinality(pieces) = 0)
  returning 1
), shortened as (
  update booking_slot s
     set during = c.pieces[1], version = s.version + 1, updated_at = now()
    from cut c
   where s.clinic_id = :clinic_id and s.id = c.id and cardinality(c.pieces) > 0
  returning 1
), freed as (  -- the inserts below must not run until the time is free
  select (select count(*) from deleted) + (select count(*) from shortened) as slots
), split as (
  insert into booking_slot (clinic_id, id, doctor_id, date, during, source, time_slot_id)
  select :clinic_id, mint_id(:clinic_id), doctor_id, date, piece, source, time_slot_id
    from cut, unnest(pieces[2:]) as piece, freed
), lacking as materialized (  -- part of their time may already be published, after an earlier withdrawal
  select l.doctor_id, l.date,
         tstzmultirange(l.during)
         - coalesce((select range_agg(s.active_during)
                       from booking_slot s
                      where s.clinic_id = :clinic_id and s.doctor_id = l.doctor_id and s.remnant
                        and s.active_during && l.during), '{}') as pieces
    from live l
), remnants as (
  insert into booking_slot (clinic_id, id, doctor_id, date, during, remnant)
  select :clinic_id, mint_id(:clinic_id), doctor_id, date, piece, true
    from lacking, unnest(pieces) as piece, freed
   -- compute all pieces before the first insert: see tests/database/test_gist_scans.py
   where (select count(*) from lacking) > 0
), stranded as (
  update appointment a
     set needs_rebooking = true, version = a.version + 1, updated_at = now()
    from live l
   where a.clinic_id = :clinic_id and a.id = l.id and not l.needs_rebooking and l.status <> 'fulfilled'
  returning a.clinic_id, a.id, a.version, a.doctor_id
), events as (
  insert into event (clinic_id, type, subject_id, subject_version, data)
  select clinic_id, 'appointment.stranded', id::text, version, jsonb_build_object('doctorId', doctor_id)
    from stranded
)
select (select count(*) from cut) as slots, (select count(*) from stranded) as stranded
