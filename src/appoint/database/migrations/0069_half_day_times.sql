-- As before, but reads each doctor's hours and claims once for a booking, instead of once for each start that it tries.
create or replace function with_times(bookings gathered_booking[])
returns setof gathered_booking language plpgsql volatile set search_path = public, pg_temp as $$
declare
  taken gathered_booking[] := array(select b from unnest(bookings) as b where b.part_of_day is null);
  booking gathered_booking;
  since timestamptz;
  until timestamptz;
  length interval;
  before interval;
  after interval;
  own tstzmultirange;
  choice record;
  shift interval;
begin
  foreach booking in array bookings loop
    if booking.part_of_day is not null then
      length := booking.ends_at - booking.starts_at;
      before := booking.starts_at - booking.claimed_from;
      after := booking.claimed_until - booking.starts_at;
      select greatest(booking.starts_at, local_instant((booking.part_of_day).date, (booking.part_of_day).first_minute,
                                                       c.time_zone)),
             least(local_instant((booking.part_of_day).date, (booking.part_of_day).last_minute, c.time_zone)
                   - interval '1 microsecond',
                   local_instant((booking.part_of_day).date + 1, 0, c.time_zone) - length)  -- cannot cross midnight
        into since, until
        from clinic c
       where c.id = booking.clinic_id;
      continue when since is null or until < since;
      own := coalesce((select range_agg(a.active_during)
                         from appointment a
                        where a.clinic_id = booking.clinic_id and a.customer_id = booking.customer_id
                          and a.active_during && tstzrange(since, until + length)), '{}');
      select d.id, d.version, earliest.start into choice
        from unnest(booking.doctors) as k
        join doctor d on d.clinic_id = booking.clinic_id and d.id = k.id and d.version = k.version and d.active
       cross join lateral (
         select array_agg(s.active_during) as slots, range_agg(s.active_during) as hours
           from booking_slot s
          where s.clinic_id = booking.clinic_id and s.doctor_id = d.id
            and s.active_during && tstzrange(since, until + length)) as published
       cross join lateral (
         select coalesce(range_agg(claim), '{}') as claims
           from (select a.active_claim
                   from appointment a
                  where a.clinic_id = booking.clinic_id and a.doctor_id = d.id
                    and a.active_claim && tstzrange(since - before, until + after)
                  union all
                 select tstzrange(o.claimed_from, o.claimed_until)
                   from unnest(taken) as o
                  where o.doctor_id = d.id) as c (claim)) as busy
       cross join lateral (
         select time.start
           from unnest(published.slots) as slot
          cross join lateral generate_series(
                               lower(slot)
                               + make_interval(secs => booking.step_seconds
                                                       * ceil(greatest(extract(epoch from since - lower(slot)), 0)
                                                              / booking.step_seconds)),
                               least(upper(slot) - interval '1 microsecond', until),
                               make_interval(secs => booking.step_seconds)) as time (start)
          where published.hours @> tstzrange(time.start, time.start + length)
            and not busy.claims && tstzrange(time.start - before, time.start + after)
            and not own && tstzrange(time.start, time.start + length)
          order by time.start
          limit 1) as earliest
       order by earliest.start, random()
       limit 1;
      continue when not found;
      shift := choice.start - booking.starts_at;
      booking.doctor_id := choice.id;
      booking.doctor_version := choice.version;
      booking.starts_at := choice.start;
      booking.ends_at := booking.ends_at + shift;
      booking.claimed_from := booking.claimed_from + shift;
      booking.claimed_until := booking.claimed_until + shift;
      taken := taken || booking;
    end if;
    return next booking;
  end loop;
end $$;
