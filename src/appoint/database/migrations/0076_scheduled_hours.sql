-- As before, but computes each instant once for the clinic, instead of once for each doctor.
create or replace function scheduled(of_clinic integer, of_doctor uuid, first date, last date)
  returns table (doctor_id uuid, date date, time_slot_id uuid, pieces tstzmultirange) language sql stable parallel safe
  begin atomic
    with line as materialized (
      select s.doctor_id, day::date as date, s.time_slot_id, lower(s.minutes) as minute, upper(s.minutes) as until,
             c.time_zone
        from clinic c
        join doctor d on d.clinic_id = c.id and d.active
        join doctor_slot s on s.clinic_id = c.id and s.doctor_id = d.id and s.active
       cross join lateral (select greatest(first, lower(s.valid)) as since) as f
       cross join generate_series((since + (s.weekday - extract(isodow from since)::integer + 7) % 7)::timestamp,
                                  least(last, upper(s.valid) - 1)::timestamp, interval '7 days') as day
       where c.id = of_clinic and c.active and (of_doctor is null or d.id = of_doctor)
    ), hours as materialized (
      select distinct l.date, l.minute, l.until, l.time_zone from line l
    ), instants as materialized (
      select h.date, h.minute, h.until, local_instant(h.date, h.minute, h.time_zone) as starts,
             local_instant(h.date, h.until, h.time_zone) as ends
        from hours h
    ), wanted as (
      select l.*, case when starts < ends then tstzmultirange(tstzrange(starts, ends)) else '{}' end as during
        from line l
        full join instants using (date, minute, until)  -- each has the other; only a full join is always hashed
    )
    select w.doctor_id, w.date, w.time_slot_id,
           during
           - coalesce(range_agg(during) over (partition by w.doctor_id, w.date order by minute
                                              rows between unbounded preceding and 1 preceding), '{}')
           - coalesce((select range_agg(a.active_during) from absence a
                        where a.clinic_id = of_clinic and (a.doctor_id is null or a.doctor_id = w.doctor_id)
                          and a.active_during && during), '{}')
           - coalesce((select range_agg(b.during) from booking_slot b
                        where b.clinic_id = of_clinic and b.doctor_id = w.doctor_id and b.removed_at is not null
                          -- lets the index narrow the search, by a day on either side because the zone may have
                          -- changed
                          and b.date between w.date - 1 and w.date + 1
                          and b.during && w.during), '{}')
      from wanted w;
  end;
