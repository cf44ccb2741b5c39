-- Stores a generated world: its clinic, doctors, types, slots and appointments, from wall times.
with clinic as (
  insert into clinic (id, name, time_zone, slot_step_minutes, min_notice_minutes, horizon_days)
  values ($1, 'Lakeside', $2, $3, $4, $5)
), doctors as (
  insert into doctor (clinic_id, id, name, active, removed_at)
  select $1, id, 'Dr Shah', active, case when not active then now() end
    from unnest($6::uuid[], $7::boolean[]) as d (id, active)
), types as (
  insert into appointment_type
    (clinic_id, id, name, minutes, buffer_before_minutes, buffer_after_minutes, active, removed_at)
  values ($1, $8, 'Check-up', $9, $10, $11, $12, case when not $12 then now() end),
         ($1, $31, 'Operation', 60, 0, 0, true, null)
), doctor_types as (
  insert into doctor_appointment_type (clinic_id, doctor_id, appointment_type_id)
  select $1, ($6::uuid[])[1], $31 where $13
), patients as (
  insert into patient (clinic_id, customer_id) select $1, id from unnest($14::uuid[]) as id
), hours as (
  select doctor_id, day, tstzrange(starts, ends) as during, removed
    from unnest($15::uuid[], $16::date[], $17::int[], $18::int[], $19::boolean[])
           as l (doctor_id, day, first, last, removed),
         lateral (select local_instant(day, first, $2) as starts, local_instant(day, last, $2) as ends) as i
   where starts < ends
), absences as (
  select doctor_id, range_agg(tstzrange(starts, ends)) as during
    from unnest($20::uuid[], $21::date[], $22::int[], $23::int[]) as l (doctor_id, day, first, last),
         lateral (select local_instant(day, first, $2) as starts, local_instant(day, last, $2) as ends) as i
   where starts < ends
   group by doctor_id
), slots as (
  insert into booking_slot (clinic_id, id, doctor_id, date, during, removed_at)
  select $1, mint_id($1), doctor_id, day, piece, case when removed then now() end
    from hours left join absences using (doctor_id),
         unnest(tstzmultirange(hours.during) - coalesce(absences.during, '{}')) as piece
  on conflict do nothing  -- hours that a clock change moves onto others
  returning doctor_id, active_during
)
insert into appointment
  (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed, status, hold_expires_at)
select $1, mint_id($1), mint_id($1), doctor_id, customer_id, tstzrange(starts, ends),
       tstzrange(starts - make_interval(mins => before), ends + make_interval(mins => after)), status,
       case when status = 'pending' then $30::timestamptz end
  from unnest($24::uuid[], $25::date[], $26::int[], $27::int[], $28::int[], $29::int[], $32::text[], $14::uuid[])
         as v (doctor_id, day, minute, minutes, before, after, status, customer_id),
       lateral (select local_instant(day, minute, $2) as starts) as s,
       lateral (select starts + make_interval(mins => minutes) as ends) as e
 where status in ('cancelled', 'noshow')
    or exists (select from slots s where s.doctor_id = v.doctor_id and s.active_during @> tstzrange(starts, ends))
on conflict do nothing
