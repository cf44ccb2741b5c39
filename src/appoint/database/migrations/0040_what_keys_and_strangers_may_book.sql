-- Returns which limit strangers would exceed if they took `more` minutes of a clinic's time for this number of
-- `appointments` for these customers: the limit on `holds`, which expire within minutes, or the limit per `day`.
-- Returns null if they may. A single appointment always fits, whatever its length, if nothing else counts.
--
-- Checks twice: first without waiting, so that a flood of refused requests does not queue here, and then again after
-- concurrent calls for the clinic have finished. The function is volatile, so unlike the calling statement, it then
-- sees what they wrote. It is a security definer because the server cannot read addresses.
create function exceeded_stranger_bound(clinic integer, origin stranger_origin, customers uuid[], appointments bigint,
                                        more numeric, at timestamptz)
returns text language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  floor_minutes constant integer := 120;  -- so that strangers can also book at clinics with few hours
  longest_hold constant interval := '2 hours';
  alone boolean;
  taken bigint;
  booked bigint;  -- without a hold
  share numeric;  -- of the clinic's time, in minutes
begin
  foreach alone in array array[false, true] loop
    if alone then
      perform pg_advisory_xact_lock(hashtextextended('strangers', clinic));
    end if;

    -- all strangers' current holds, and what they have booked without a hold since `counted_since`
    select coalesce(sum(s.minutes), 0), coalesce(sum(s.minutes) filter (where not s.held), 0) into taken, booked
      from (select appointment_id, minutes, held
              from stranger_appointment
             where clinic_id = clinic and held and created_at > at - longest_hold
             union all
            select appointment_id, minutes, held
              from stranger_appointment
             where clinic_id = clinic and not held and created_at > origin.counted_since) as s
     cross join lateral (select a.status, a.active_during
                           from appointment a
                          where a.clinic_id = clinic and a.id = s.appointment_id
                         offset 0) as a  -- by primary key
     where case when s.held then a.status = 'pending' else a.active_during is not null end;
    if origin.clinic_percent is not null and taken + more > floor_minutes and (taken > 0 or appointments > 1) then
      select origin.clinic_percent / 100.0
             * coalesce(sum(extract(epoch from upper(b.active_during) - lower(b.active_during))) / 60, 0)
        into share
        from booking_slot b
       where b.clinic_id = clinic and b.active_during && tstzrange(at, at + interval '14 days');
      if taken + more > share then
        return case when booked + more > greatest(share, floor_minutes) and booked > 0 then 'day' else 'holds' end;
      end if;
    end if;

    -- what each network has taken since then, even if later cancelled
    if exists (select
                 from (select 1 as level, sum(minutes) as minutes
                         from stranger_appointment
                        where clinic_id = clinic and networks[1] = origin.networks[1]
                          and created_at > origin.counted_since
                        union all
                       select 2, sum(minutes)
                         from stranger_appointment
                        where clinic_id = clinic and networks[2] = origin.networks[2]
                          and created_at > origin.counted_since
                        union all
                       select 3, sum(minutes)
                         from stranger_appointment
                        where clinic_id = clinic and networks[3] = origin.networks[3]
                          and created_at > origin.counted_since) as earlier
                where coalesce(earlier.minutes, 0) + more > origin.minutes_per_network[earlier.level]
                  and (earlier.minutes > 0 or appointments > 1)) then
      return 'day';
    end if;

    -- What these customers' addresses have taken since then. Anyone can enter any address, so what was booked without
    -- proof of the address does not count against its owner, who has proven that it is theirs.
    select coalesce(sum(s.minutes), 0) into taken
      from (select id from unnest(customers) as id
             union
            select other.id
              from customer c
              join customer other on lower(other.email) = lower(c.email) and other.active and other.email is not null
             where c.id = any(customers)
             union
            select other.id
              from customer c
              join customer other on other.phone = c.phone and other.active and other.phone is not null
             where c.id = any(customers)) as reached
     cross join lateral (select a.id, a.booking_id
                           from appointment a
                          where a.customer_id = reached.id and a.clinic_id = clinic
                         offset 0) as a  -- by appointment_by_customer
      join stranger_appointment s on s.clinic_id = clinic and s.appointment_id = a.id
     where s.created_at > origin.counted_since
       and (origin.clinic_percent is not null
            or s.held and not exists (select
                                        from confirmation_code k
                                       where k.clinic_id = clinic and k.booking_id = a.booking_id
                                         and k.confirmed_at is null));
    if taken + more > origin.minutes_per_address and (taken > 0 or appointments > 1) then
      return 'day';
    end if;
  end loop;
  return null;
end $$;
revoke execute on function exceeded_stranger_bound from public;
grant execute on function exceeded_stranger_bound to appoint_server, appoint_across;

-- Returns whether strangers may take that much time.
create or replace function fits_stranger_bounds(clinic integer, origin stranger_origin, customers uuid[],
                                                appointments bigint, more numeric, at timestamptz)
returns boolean language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
  return exceeded_stranger_bound(clinic, origin, customers, appointments, more, at) is null;
end $$;

-- The language of the page or request that asked for the code, for customers who have not chosen one.
alter table sign_in_code
  add column locale text,
  -- The check scans a table that has only a few rows.
  -- squawk-ignore constraint-missing-not-valid
  add constraint sign_in_code_locale check (locale in ('en', 'de', 'es', 'fr'));

-- From now on, a key needs a scope to register customers and to book. Keys that can change appointments get both.
update api_key
   set scopes = array(select unnest(scopes || '{book,register}'::text[]) as scope order by scope)
 where 'move-appointments' = any(scopes);
