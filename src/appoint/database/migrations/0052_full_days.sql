-- Searches across clinics skip the days on which a doctor has no time left (booking/availability/sql/next_slots.sql).
alter table doctor_day
  add column longest_free_minutes smallint constraint doctor_day_longest_free check (longest_free_minutes >= 0);

-- The column is new, so the index is empty.
-- squawk-ignore require-concurrent-index-creation
create index if not exists doctor_day_full on doctor_day (date, longest_free_minutes, clinic_id, doctor_id)
  where longest_free_minutes is not null;

-- Returns the longest stretch of published time that no appointment takes up, on each local date that has one. Unlike
-- `summed`, it subtracts buffers. A stretch across midnight counts in full on both dates. If a slot continues after
-- midnight, what is left of it also counts on the slot's own date. Holds do not count, because they end without an
-- event that is about these days.
create function longest_free(of_clinic integer, of_doctor uuid, first date, last date)
  returns table (date date, minutes smallint)
  language sql stable parallel safe
  begin atomic
    with place as (
      select c.time_zone as zone,
             tstzrange(local_instant(first, 0, c.time_zone), local_instant(last + 1, 0, c.time_zone)) as span
        from clinic c
       where c.id = of_clinic
    ), slot as materialized (
      select s.date, s.active_during as during,
             (upper(s.active_during) - interval '1 microsecond') at time zone p.zone >= s.date + 1 as is_overnight
        from place p
        join booking_slot s on s.clinic_id = of_clinic and s.doctor_id = of_doctor and s.active_during && p.span
    ), claimed as (
      select range_agg(a.active_claim) as during
        from place p
        join appointment a on a.clinic_id = of_clinic and a.doctor_id = of_doctor
                          and a.active_claim && p.span and a.status <> 'pending'
    ), stretch as materialized (
      select unnest((select range_agg(s.during) from slot s) - coalesce(c.during, '{}')) as free from claimed c
    ), dated as (
      select day::date as date, s.free
        from place p
       cross join stretch s
       cross join lateral generate_series(
               date_trunc('day', lower(s.free) at time zone p.zone),
               (upper(s.free) - interval '1 microsecond') at time zone p.zone, interval '1 day') as day
       union all
      select o.date, s.free from slot o join stretch s on s.free && o.during where o.is_overnight
    )
    select d.date, least(max(extract(epoch from upper(d.free) - lower(d.free)) / 60), 1440)::smallint
      from dated d
     where d.date between coalesce(first, '-infinity') and coalesce(last, 'infinity')
     group by d.date;
  end;

-- Returns the doctors, of one clinic or of all, who have no free stretch of this length on a date, except those whose
-- times have changed since the worker last looked. A search runs across clinics, so row-level security hides these rows
-- from it. The function reveals only what free times show anyway.
create function full_days(of_clinic integer, since date, until date, wanted_minutes integer)
  returns table (clinic_id integer, doctor_id uuid, date date)
  language sql stable security definer rows 10000
  begin atomic
    with waiting as materialized (  -- if more events are waiting, nothing is certain
      select e.clinic_id, e.type, e.subject_id, e.data from event e limit 10001
    ), changed as materialized (  -- new bookings leave full days full
      select w.clinic_id, w.data ->> 'doctorId' as doctor_id, w.data ->> 'oldDoctorId' as old_doctor_id
        from waiting w
       where w.type not in ('appointment.booked', 'appointment.held')
    ), doubtful as materialized (  -- all of the clinic's doctors if there is no id
      select c.clinic_id, c.doctor_id from changed c
       union
      select c.clinic_id, c.old_doctor_id from changed c where c.old_doctor_id is not null
       union
      select u.clinic_id, u.doctor_id::text from unsummed u
    )
    select d.clinic_id, d.doctor_id, d.date
      from doctor_day d
     where d.date between since and until
       and d.longest_free_minutes < wanted_minutes
       and (select count(*) from waiting) <= 10000
       and (of_clinic is null or d.clinic_id = of_clinic)
       and d.clinic_id not in (select u.clinic_id from doubtful u where u.doctor_id is null)
       and (d.clinic_id, d.doctor_id::text) not in (
             select u.clinic_id, u.doctor_id from doubtful u where u.doctor_id is not null);
  end;
revoke execute on function full_days from public;
grant execute on function full_days to appoint_server, appoint_across;
