-- Compare published hours with the weekly schedules on a range of dates, from now on. Change nothing.
with target as materialized (
  select t.doctor_id, t.date, t.time_slot_id, piece
    from scheduled(:clinic_id, :doctor_id, :first, :last) t, unnest(t.pieces) as piece
   where upper(piece) > :now and (:around_start::timestamptz is null or piece && tstzrange(:around_start, :around_end))
), published as materialized (
  select s.id, s.doctor_id, s.date, s.active_during as during, s.remnant,
         s.source = 'schedule' and (s.remnant or case when :around_start is null then lower(s.active_during) >= :now
                                                      else t.piece is not null end) as open
    from clinic c
    join booking_slot s on s.clinic_id = c.id and (:doctor_id::uuid is null or s.doctor_id = :doctor_id)
                       and s.active_during && tstzrange(local_instant(:first, 0, c.time_zone),
                                                        local_instant(:last::date + 1, 0, c.time_zone))
    left join target t on t.doctor_id = s.doctor_id and t.date = s.date and t.piece @> s.active_during
   where c.id = :clinic_id
), fixed as (
  select doctor_id, date, range_agg(during) as during from published where not open group by doctor_id, date
), new_hours as materialized (
  select doctor_id, date, range_agg(during) as during
    from (select doctor_id, date, piece as during from target
           union all
          select doctor_id, date, during from published where not open) as hours
   group by doctor_id, date
), taken as materialized (  -- one index scan for each doctor, which costs much less than one for each slot
  select a.id, a.doctor_id, a.active_during as during, a.needs_rebooking, a.status,
         -- slots and appointments can cross midnight
         (lower(a.active_during) at time zone c.time_zone)::date + days as date
    from (select doctor_id, min(lower(during)) as since, max(upper(during)) as until
            from published
           where open
           group by doctor_id) as o
    join clinic c on c.id = :clinic_id
    join appointment a on a.clinic_id = :clinic_id and a.doctor_id = o.doctor_id
                      and a.active_claim && tstzrange(o.since, o.until)
   cross join generate_series(-1, 1) as days
), near as (  -- the planner expects few rows and would choose a nested loop; only a full join is always hashed
  select a.id, doctor_id, date, a.during, a.needs_rebooking, a.status, p.during as open_hours, h.during as new_hours
    from taken a
    full join (select doctor_id, date, during from published where open) p using (doctor_id, date)
    full join new_hours h using (doctor_id, date)
  offset 0
), live as materialized (  -- live appointments in hours that may change, and whether the new hours cover them
  select distinct on (id) id, doctor_id, date, during, needs_rebooking, status,
         during <@ coalesce(new_hours, '{}') as covered
    from near
   where during && open_hours
), uncovered as (
  select * from live where not covered
), desired as (
  select t.doctor_id, t.date, t.time_slot_id, span
    from target t
    left join fixed f using (doctor_id, date)
    left join (select doctor_id, date, range_agg(during) as during from uncovered group by doctor_id, date) u
        using (doctor_id, date),
         unnest(tstzmultirange(t.piece) - coalesce(f.during, '{}') - coalesce(u.during, '{}')) as span
), result as (
  select case when d.span is null then 'removed' when p.id is null then 'added' else 'kept' end as outcome,
         p.id, doctor_id, coalesce(d.date, p.date) as date, d.time_slot_id, during
    from (select * from published where open and not remnant) p
    full join (select doctor_id, date, time_slot_id, span, span as during from desired) d using (doctor_id, during)
  union all
  select case when p.id is null then 'left' else 'absorbed' end, p.id, doctor_id, coalesce(p.date, r.date), null, during
    from (select * from published where open and remnant) p
    full join (select u.doctor_id, u.date, u.id as appointment_id, span as during
                 from uncovered u
                 left join fixed f using (doctor_id, date),
                      unnest(tstzmultirange(u.during) - coalesce(f.during, '{}')) as span) r using (doctor_id, during)
   where p.id is null or r.appointment_id is null
  union all
  select 'stranded', id, doctor_id, date, null, during
    from uncovered
   where not needs_rebooking and status <> 'fulfilled'
  union all
  select 'covered', id, doctor_id, date, null, during from live where covered and needs_rebooking
)
select outcome, id, doctor_id, date, time_slot_id, lower(during) as start, upper(during) as "end"
  from result
 order by date, during, doctor_id
