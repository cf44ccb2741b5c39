-- A booking can name half a day instead of a time. The statement then chooses the time (booking/sql/insert_gathered.sql).

-- The local minutes [first_minute, last_minute) of a date.
create type part_of_day as (date date, first_minute integer, last_minute integer);

-- If part_of_day is not null, the booking is for any of these doctors and any time in that part of the day, but not
-- before starts_at. Its times are then those of an appointment that begins at starts_at.
alter type gathered_booking add attribute part_of_day part_of_day, add attribute doctors versioned_id[];

-- Returns the bookings with a time and a doctor for each. A booking that leaves them open gets the first time that is
-- offered and free, and that no other booking here has. If there is none, it is left out.
create function with_times(bookings gathered_booking[])
returns setof gathered_booking language plpgsql volatile set search_path = public, pg_temp as $$
declare
  taken gathered_booking[] := array(select b from unnest(bookings) as b where b.part_of_day is null);
  booking gathered_booking;
  since timestamptz;
  until timestamptz;
  length interval;
  choice record;
  shift interval;
begin
  foreach booking in array bookings loop
    if booking.part_of_day is not null then
      length := booking.ends_at - booking.starts_at;
      select greatest(booking.starts_at, local_instant((booking.part_of_day).date, (booking.part_of_day).first_minute,
                                                       c.time_zone)),
             least(local_instant((booking.part_of_day).date, (booking.part_of_day).last_minute, c.time_zone)
                   - interval '1 microsecond',
                   local_instant((booking.part_of_day).date + 1, 0, c.time_zone) - length)  -- cannot cross midnight
        into since, until
        from clinic c
       where c.id = booking.clinic_id;
      continue when since is null or until < since;
      select d.id, d.version, earliest.start into choice
        from unnest(booking.doctors) as k
        join doctor d on d.clinic_id = booking.clinic_id and d.id = k.id and d.version = k.version and d.active
       cross join lateral (
         select time.start
           from booking_slot s
          cross join lateral generate_series(
                               lower(s.active_during)
                               + make_interval(secs => booking.step_seconds
                                                       * ceil(greatest(extract(epoch from since
                                                                                         - lower(s.active_during)), 0)
                                                              / booking.step_seconds)),
                               least(upper(s.active_during) - interval '1 microsecond', until),
                               make_interval(secs => booking.step_seconds)) as time (start)
          where s.clinic_id = booking.clinic_id and s.doctor_id = d.id and s.active_during && tstzrange(since, until, '[]')
            and (time.start + length <= upper(s.active_during)
                 or (select range_agg(o.active_during)
                       from booking_slot o
                      where o.clinic_id = booking.clinic_id and o.doctor_id = d.id
                        and o.active_during && tstzrange(time.start, time.start + length))
                    @> tstzrange(time.start, time.start + length))
            and not exists (select
                              from appointment a
                             where a.clinic_id = booking.clinic_id and a.doctor_id = d.id
                               and a.active_claim
                                   && tstzrange(time.start - (booking.starts_at - booking.claimed_from),
                                                time.start + (booking.claimed_until - booking.starts_at)))
            and not exists (select
                              from unnest(taken) as o
                             where o.doctor_id = d.id
                               and tstzrange(o.claimed_from, o.claimed_until)
                                   && tstzrange(time.start - (booking.starts_at - booking.claimed_from),
                                                time.start + (booking.claimed_until - booking.starts_at)))
            and not exists (select
                              from appointment a
                             where a.clinic_id = booking.clinic_id and a.customer_id = booking.customer_id
                               and a.active_during && tstzrange(time.start, time.start + length))
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
revoke execute on function with_times from public;
grant execute on function with_times to appoint_server, appoint_across;
