-- Bookings that arrive while others are being written are written together (booking/sql/insert_gathered.sql).

-- A booking of one appointment with a named doctor. A parameter of insert_gathered.sql. The limits are null if the
-- customer has none, and known_since is null unless the bounds for strangers apply to new patients.
create type gathered_booking as (
  id uuid, clinic_id integer, clinic_version integer, doctor_id uuid, doctor_version integer, customer_id uuid,
  appointment_type_id uuid, type_version integer, starts_at timestamptz, ends_at timestamptz,
  claimed_from timestamptz, claimed_until timestamptz, step_seconds integer, status text, hold_expires_at timestamptz,
  notes text, max_appointments integer, max_holds integer, known_since timestamptz, request idempotency,
  actor audit_actor, traceparent text, now timestamptz
);

-- Lock the customers of gathered bookings as fits_caps does, and count what each has at the clinic. Leave out customers
-- whom another transaction has locked, and those whose records the clinic has joined: their bookings are written one by
-- one.
create function lock_gathered(bookings gathered_booking[])
  returns table (id uuid, upcoming bigint, held bigint)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  locked gathered_booking[];
  separate uuid[];
begin
  locked := array(select b
                    from unnest(bookings) as b
                   where pg_try_advisory_xact_lock(hashtextextended(b.customer_id::text, b.clinic_id)));
  separate := array(select b.id
                      from unnest(locked) as b
                      join patient p on p.clinic_id = b.clinic_id and p.customer_id = b.customer_id
                     where p.person_id = '00000000-0000-0000-0000-000000000000'
                       for key share of p skip locked);
  return query
  select b.id, counted.upcoming, counted.held
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
