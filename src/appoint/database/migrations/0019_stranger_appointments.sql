-- What strangers booked, and from which networks. Strangers are callers without a session, an API key or a role at the
-- clinic. Also lets staff revoke manage links.

-- One row for each appointment that a stranger booked. The bounds count recent rows, and staff use the rows to find
-- bookings to cancel.
create table stranger_appointment (
  clinic_id integer not null,
  appointment_id uuid not null,
  created_at timestamptz not null default now(),
  -- digests made with the server's key, different for each clinic: the caller's own network, then ever wider ones
  networks bytea[] not null
    constraint stranger_appointment_networks check (cardinality(networks) between 1 and 3),
  minutes integer not null constraint stranger_appointment_minutes check (minutes > 0),  -- the claim's length
  held boolean not null,  -- whether it counts towards the clinic's share only for as long as it is on hold
  primary key (clinic_id, appointment_id),
  constraint stranger_appointment_of foreign key (clinic_id, appointment_id) references appointment (clinic_id, id)
    on delete cascade
);
create index stranger_appointment_recent on stranger_appointment (clinic_id, created_at);
create index stranger_appointment_booked on stranger_appointment (clinic_id, created_at) where not held;
create index stranger_appointment_network on stranger_appointment (clinic_id, (networks[1]), created_at);
create index stranger_appointment_wider on stranger_appointment (clinic_id, (networks[2]), created_at);
create index stranger_appointment_widest on stranger_appointment (clinic_id, (networks[3]), created_at);

-- A stranger's networks, narrowest first, with the maximum number of minutes for each and per email address or phone
-- number, and the share of the clinic's time available to all strangers with unconfirmed addresses, which is null if
-- this stranger's address is confirmed. A parameter of insert_appointments.sql.
create type stranger_origin as (
  networks bytea[], minutes_per_network integer[], minutes_per_address integer, clinic_percent integer,
  counted_since timestamptz
);

-- Returns whether strangers may take `more` minutes of a clinic's time for this number of `appointments` for these
-- customers. A single appointment always fits, whatever its length, if nothing else counts.
--
-- Checks twice: first without waiting, so that a flood of refused requests does not queue here, and then again after
-- concurrent calls for the clinic have finished. The function is volatile, so unlike the calling statement, it then
-- sees what they wrote. It is a security definer because the server cannot read addresses.
create function fits_stranger_bounds(clinic integer, origin stranger_origin, customers uuid[], appointments bigint,
                                     more numeric, at timestamptz)
returns boolean language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  floor_minutes constant integer := 120;  -- so that strangers can also book at clinics with few hours
  longest_hold constant interval := '2 hours';
  alone boolean;
  taken bigint;
begin
  foreach alone in array array[false, true] loop
    if alone then
      perform pg_advisory_xact_lock(hashtextextended('strangers', clinic));
    end if;

    -- all strangers' current holds, and what they have booked without a hold since `counted_since`
    select coalesce(sum(s.minutes), 0) into taken
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
    if origin.clinic_percent is not null and taken + more > floor_minutes and (taken > 0 or appointments > 1)
       and (taken + more) * 100 > origin.clinic_percent
             * (select coalesce(sum(extract(epoch from upper(b.active_during) - lower(b.active_during))) / 60, 0)
                  from booking_slot b
                 where b.clinic_id = clinic and b.active_during && tstzrange(at, at + interval '14 days')) then
      return false;
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
      return false;
    end if;

    -- what these customers' addresses have taken since then
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
     cross join lateral (select a.id
                           from appointment a
                          where a.customer_id = reached.id and a.clinic_id = clinic
                         offset 0) as a  -- by appointment_by_customer
      join stranger_appointment s on s.clinic_id = clinic and s.appointment_id = a.id
     where s.created_at > origin.counted_since;
    if taken + more > origin.minutes_per_address and (taken > 0 or appointments > 1) then
      return false;
    end if;
  end loop;
  return true;
end $$;
revoke execute on function fits_stranger_bounds from public;
grant execute on function fits_stranger_bounds to appoint_server, appoint_across;

grant select, insert, update, delete on stranger_appointment to appoint_server, appoint_across;
alter table stranger_appointment enable row level security;
create policy of_clinic on stranger_appointment to appoint_server using (clinic_id = current_clinic());
-- the booking statement runs outside a transaction
create policy written on stranger_appointment for insert to appoint_server with check (true);
create policy across on stranger_appointment to appoint_across using (true);

-- The number of the currently valid manage link. Revoking that link makes the next one valid.
alter table appointment
  add column link_number smallint not null default 1,
  -- The check scans a column that is still 1 in every row.
  -- squawk-ignore constraint-missing-not-valid
  add constraint appointment_link_number check (link_number > 0);
