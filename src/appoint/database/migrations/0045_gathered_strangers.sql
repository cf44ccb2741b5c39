-- Bookings by strangers and new patients, and bookings that need a code, share statements with others too
-- (booking/sql/insert_gathered.sql).

-- The origin is null unless the bounds for strangers apply. If known_since is not null, they apply only to new patients.
alter type gathered_booking add attribute origin stranger_origin, add attribute needs_code boolean;

-- Returns the ids of the bookings that exceed none of the bounds that exceeded_stranger_bound describes, if those before
-- them are written. Leaves out a booking if its customer shares an address with one before it.
--
-- Takes one lock for each clinic, in order, and leaves out the clinics whose locks other transactions hold for longer
-- than the lock timeout. The function is volatile, so it sees what they wrote.
create function within_stranger_bounds(bookings gathered_booking[])
returns uuid[] language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  floor_minutes constant integer := 120;  -- as in exceeded_stranger_bound
  longest_hold constant interval := '2 hours';
  has_timed_out boolean := false;  -- wait only once
  clinic integer;
  at timestamptz;
  since timestamptz;
  taken numeric;
  published numeric;
  candidate record;
  earlier record;
  accepted gathered_booking[] := '{}';
begin
  for clinic, at, since in
    select b.clinic_id, min(b.now), min((b.origin).counted_since) from unnest(bookings) as b group by 1 order by 1
  loop
    if not pg_try_advisory_xact_lock(hashtextextended('strangers', clinic)) then
      continue when has_timed_out;
      begin
        perform pg_advisory_xact_lock(hashtextextended('strangers', clinic));
      exception when lock_not_available then
        has_timed_out := true;
        continue;
      end;
    end if;

    select coalesce(sum(s.minutes), 0) into taken
      from (select appointment_id, minutes, held
              from stranger_appointment
             where clinic_id = clinic and held and created_at > at - longest_hold
             union all
            select appointment_id, minutes, held
              from stranger_appointment
             where clinic_id = clinic and not held and created_at > since) as s
     cross join lateral (select a.status, a.active_during
                           from appointment a
                          where a.clinic_id = clinic and a.id = s.appointment_id
                         offset 0) as a
     where case when s.held then a.status = 'pending' else a.active_during is not null end;
    published := null;

    for candidate in
      select b as booking, (b.origin).*, length.minutes, sharing.customers,
             array[(select sum(s.minutes)
                      from stranger_appointment s
                     where s.clinic_id = clinic and s.networks[1] = (b.origin).networks[1] and s.created_at > since),
                   (select sum(s.minutes)
                      from stranger_appointment s
                     where s.clinic_id = clinic and s.networks[2] = (b.origin).networks[2] and s.created_at > since),
                   (select sum(s.minutes)
                      from stranger_appointment s
                     where s.clinic_id = clinic and s.networks[3] = (b.origin).networks[3] and s.created_at > since)
             ] as from_networks,
             (select sum(s.minutes)
                from unnest(sharing.customers) as reached (id)
               cross join lateral (select a.id, a.booking_id
                                     from appointment a
                                    where a.customer_id = reached.id and a.clinic_id = clinic
                                   offset 0) as a
                join stranger_appointment s on s.clinic_id = clinic and s.appointment_id = a.id
               where s.created_at > since
                 and ((b.origin).clinic_percent is not null
                      or s.held and not exists (select
                                                  from confirmation_code k
                                                 where k.clinic_id = clinic and k.booking_id = a.booking_id
                                                   and k.confirmed_at is null))) as for_address
        from unnest(bookings) as b
       cross join lateral (select ceil(extract(epoch from b.claimed_until - b.claimed_from) / 60) as minutes) as length
       cross join lateral (select array(select b.customer_id
                                         union
                                        select other.id
                                          from customer c
                                          join customer other on lower(other.email) = lower(c.email) and other.active
                                           and other.email is not null
                                         where c.id = b.customer_id
                                         union
                                        select other.id
                                          from customer c
                                          join customer other on other.phone = c.phone and other.active
                                           and other.phone is not null
                                         where c.id = b.customer_id) as customers) as sharing
       where b.clinic_id = clinic
       order by b.id
    loop
      select bool_or(e.customer_id = any(candidate.customers)) as shares_address,
             array[sum(length.minutes) filter (where (e.origin).networks[1] = candidate.networks[1]),
                   sum(length.minutes) filter (where (e.origin).networks[2] = candidate.networks[2]),
                   sum(length.minutes) filter (where (e.origin).networks[3] = candidate.networks[3])] as from_networks
        into earlier
        from unnest(accepted) as e
       cross join lateral (select ceil(extract(epoch from e.claimed_until - e.claimed_from) / 60) as minutes) as length
       where e.clinic_id = clinic;
      continue when earlier.shares_address
                 or candidate.for_address + candidate.minutes > candidate.minutes_per_address
                 or exists (select
                              from unnest(candidate.from_networks, earlier.from_networks, candidate.minutes_per_network)
                                     as network (stored, added, most)
                             where num_nulls(stored, added) < 2
                               and coalesce(stored, 0) + coalesce(added, 0) + candidate.minutes > most);
      if candidate.clinic_percent is not null and taken > 0 and taken + candidate.minutes > floor_minutes then
        published := coalesce(published, (select coalesce(sum(extract(epoch from upper(s.active_during)
                                                                                 - lower(s.active_during))) / 60, 0)
                                            from booking_slot s
                                           where s.clinic_id = clinic
                                             and s.active_during && tstzrange(at, at + interval '14 days')));
        continue when taken + candidate.minutes > candidate.clinic_percent / 100.0 * published;
      end if;
      accepted := accepted || candidate.booking;
      if candidate.clinic_percent is not null or (candidate.booking).status = 'pending' then
        taken := taken + candidate.minutes;
      end if;
    end loop;
  end loop;
  return array(select e.id from unnest(accepted) as e);
end $$;
revoke execute on function within_stranger_bounds from public;

-- Apply the bounds for strangers. Then lock the customers of gathered bookings as fits_caps does, and count what each
-- has at the clinic. Leave out customers whom another transaction has locked, and those whose records the clinic has
-- joined. Whatever is left out is written one by one.
-- No release has called the function yet, and servers whose shared statement fails try each booking alone.
-- squawk-ignore ban-drop-function
drop function lock_gathered;
create function lock_gathered(bookings gathered_booking[])
  returns table (id uuid, upcoming bigint, held bigint, is_bounded boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  bounded gathered_booking[];
  bounded_ids uuid[];
  within uuid[] := '{}';
  locked gathered_booking[];
  separate uuid[];
begin
  perform set_config('lock_timeout', '50ms', true);  -- until the transaction ends
  bounded := array(select b
                     from unnest(bookings) as b
                    where (b.origin).networks is not null
                      and (b.known_since is null
                           or not exists (select
                                            from customer k
                                           where k.id = b.customer_id and k.created_at <= b.known_since)
                              and not exists (select
                                                from appointment a
                                               where a.clinic_id = b.clinic_id and a.customer_id = b.customer_id
                                                 and a.status in ('booked', 'arrived', 'checked-in', 'fulfilled')
                                                 and lower(a.during) < b.now)));
  bounded_ids := array(select b.id from unnest(bounded) as b);
  if bounded <> '{}' then
    within := within_stranger_bounds(bounded);
  end if;
  locked := array(select b
                    from unnest(bookings) as b
                   where (b.id <> all(bounded_ids) or b.id = any(within))
                     and pg_try_advisory_xact_lock(hashtextextended(b.customer_id::text, b.clinic_id)));
  separate := array(select b.id
                      from unnest(locked) as b
                      join patient p on p.clinic_id = b.clinic_id and p.customer_id = b.customer_id
                     where p.person_id = '00000000-0000-0000-0000-000000000000'
                       for key share of p skip locked);
  return query
  select b.id, counted.upcoming, counted.held, b.id = any(bounded_ids)
    from unnest(locked) as b
   cross join lateral (select count(*) as upcoming, count(*) filter (where a.status = 'pending') as held
                         from (select clinic_id, status, active_during
                                 from appointment
                                where customer_id = b.customer_id and lower(during) >= b.now
                               offset 0) as a  -- by appointment_by_customer, as in fits_caps
                        where a.clinic_id = b.clinic_id and a.active_during is not null) as counted
   where b.id = any(separate)
      or not exists (select from patient p where p.clinic_id = b.clinic_id and p.customer_id = b.customer_id);
end $$;
revoke execute on function lock_gathered from public;
grant execute on function lock_gathered to appoint_server, appoint_across;
