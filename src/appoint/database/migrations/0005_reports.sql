-- Reports: each doctor's daily sums, so that a chart never has to read all appointments.
--
-- Released migrations are never changed, and this one predates the rules that it breaks (locks on large tables):
-- squawk-ignore-file constraint-missing-not-valid, require-concurrent-index-creation

-- A hold that expired or was released: cancelled without ever having been booked.
alter table appointment
  add column only_held boolean not null default false,
  add constraint appointment_only_held check (not only_held or status = 'cancelled');
update appointment set only_held = true where cancel_reason = 'hold-expired';

-- Appointments that are not in `doctor_free`. Bookings do not write to this index.
create index appointment_not_live on appointment (clinic_id, doctor_id, lower(during)) where active_during is null;

-- Returns a doctor's daily sums from `first` to `last` (null: all days): one row for each day with published hours or
-- bookings.
--
-- An appointment counts on the date when it starts, in the clinic's current time zone. Holds do not count unless they
-- were confirmed. `booked` counts all others. Of these, `cancelled` were cancelled, `missed` are no-shows, and `kept`
-- took place. `lead_days` is the sum of the days between booking and appointment; `lead` counts appointments by how
-- long before they were booked: on the day itself, the day before, 2 or 3 days before, up to 7, 14, 28 and 56 days
-- before, and earlier.
--
-- Minutes are counted per hour of the wall clock, starting at `opens`: published minutes (including remnants), and the
-- minutes, without buffers, of appointments that are neither cancelled nor missed. The hour that occurs twice in
-- autumn can have 120 minutes.
create function summed(of_clinic integer, of_doctor uuid, first date, last date)
returns table (date date, opens smallint, published_minutes smallint[], booked_minutes smallint[],
               booked integer, cancelled integer, missed integer, kept integer, lead_days integer, lead smallint[])
language sql stable parallel safe
begin atomic
  with place as (
    select time_zone as zone,
           tstzrange(local_instant(first, 0, time_zone), local_instant(last + 1, 0, time_zone)) as span
      from clinic
     where id = of_clinic
  ), live as materialized (
    select a.status, a.during, a.created_at
      from place p
      join appointment a on a.clinic_id = of_clinic and a.doctor_id = of_doctor and a.active_claim && p.span
     where a.status <> 'pending'
  ), visit as (
    select status, (lower(during) at time zone zone)::date as date,
           greatest((lower(during) at time zone zone)::date - (created_at at time zone zone)::date, 0) as lead
      from place, (select * from live
                   union all
                   select a.status, a.during, a.created_at
                     from place p
                     join appointment a on a.clinic_id = of_clinic and a.doctor_id = of_doctor
                                       and a.active_during is null
                                       and lower(a.during) >= coalesce(lower(p.span), '-infinity')
                                       and lower(a.during) < coalesce(upper(p.span), 'infinity')
                    where not a.only_held) every
  ), counted as (
    select date, count(*)::integer as booked, (count(*) filter (where status = 'cancelled'))::integer as cancelled,
           (count(*) filter (where status = 'noshow'))::integer as missed,
           (count(*) filter (where status in ('arrived', 'checked-in', 'fulfilled')))::integer as kept,
           sum(lead)::integer as lead_days,
           array[count(*) filter (where lead = 0), count(*) filter (where lead = 1),
                 count(*) filter (where lead between 2 and 3), count(*) filter (where lead between 4 and 7),
                 count(*) filter (where lead between 8 and 14), count(*) filter (where lead between 15 and 28),
                 count(*) filter (where lead between 29 and 56), count(*) filter (where lead > 56)]::smallint[] as lead
      from visit
     where date between coalesce(first, '-infinity') and coalesce(last, 'infinity')
     group by date
  ), part as (  -- each half hour of the wall clock separately, because clocks only change between half hours
    select t.taken, greatest(t.since, lower(t.during)) at time zone zone as wall,
           least(t.since + interval '30 minutes', upper(t.during)) - greatest(t.since, lower(t.during)) as lasts
      from place,
           lateral (select p.taken, p.during, since
                      from (select true as taken, l.during from live l
                            union all
                            select false, s.active_during
                              from booking_slot s
                             where s.clinic_id = of_clinic and s.doctor_id = of_doctor and s.active_during && span) p,
                           lateral (select lower(p.during) at time zone zone as wall) w,
                           generate_series(lower(p.during)
                                           - (w.wall - date_bin('30 minutes', w.wall, timestamp '2000-01-01')),
                                           upper(p.during), interval '30 minutes') as since
                     where since < upper(p.during)) t
  ), cell as (
    select wall::date as date, extract(hour from wall)::integer as hour,
           round(coalesce(extract(epoch from sum(lasts) filter (where not taken)), 0) / 60)::smallint as published,
           round(coalesce(extract(epoch from sum(lasts) filter (where taken)), 0) / 60)::smallint as booked
      from part
     where wall::date between coalesce(first, '-infinity') and coalesce(last, 'infinity')
     group by 1, 2
  ), worked as (
    select o.date, o.opens::smallint,
           array_agg(coalesce(c.published, 0::smallint) order by hour) as published,
           array_agg(coalesce(c.booked, 0::smallint) order by hour) as booked
      from (select cell.date, min(hour) as opens, max(hour) as closes from cell group by cell.date) o
     cross join lateral generate_series(o.opens, o.closes) as hour
      left join cell c using (date, hour)
     group by o.date, o.opens
  )
  select date, coalesce(w.opens, 0::smallint), coalesce(w.published, '{}'), coalesce(w.booked, '{}'),
         coalesce(c.booked, 0), coalesce(c.cancelled, 0), coalesce(c.missed, 0), coalesce(c.kept, 0),
         coalesce(c.lead_days, 0), coalesce(c.lead, '{0,0,0,0,0,0,0,0}')
    from worked w full join counted c using (date);
end;

create table doctor_day (
  clinic_id integer not null,
  date date not null,
  doctor_id uuid not null,
  opens smallint not null,
  published_minutes smallint[] not null,
  booked_minutes smallint[] not null,
  booked integer not null,
  cancelled integer not null,
  missed integer not null,
  kept integer not null,
  lead_days integer not null,
  lead smallint[] not null,
  primary key (clinic_id, date, doctor_id),
  constraint doctor_day_doctor foreign key (clinic_id, doctor_id) references doctor (clinic_id, id),
  constraint doctor_day_hours
    check (opens >= 0 and cardinality(published_minutes) = cardinality(booked_minutes)
           and opens + cardinality(booked_minutes) <= 24),
  constraint doctor_day_counts
    check (least(cancelled, missed, kept, lead_days) >= 0 and cancelled + missed + kept <= booked),
  constraint doctor_day_lead check (cardinality(lead) = 8)
);

-- Days whose sums are out of date because something changed, for one doctor or a whole clinic.
create table unsummed (
  clinic_id integer not null,
  id uuid not null default uuidv7(),
  doctor_id uuid,
  days daterange not null,
  primary key (clinic_id, id)
);

grant select on doctor_day to appoint_server;
grant select, insert, update, delete on doctor_day, unsummed to appoint_across;
alter table doctor_day enable row level security;
create policy of_clinic on doctor_day to appoint_server using (clinic_id = current_clinic());
create policy across on doctor_day to appoint_across using (true);

insert into doctor_day (clinic_id, date, doctor_id, opens, published_minutes, booked_minutes, booked, cancelled, missed,
                        kept, lead_days, lead)
select d.clinic_id, s.date, d.id, s.opens, s.published_minutes, s.booked_minutes, s.booked, s.cancelled, s.missed,
       s.kept, s.lead_days, s.lead
  from doctor d, summed(d.clinic_id, d.id, null, null) s
 order by d.clinic_id, s.date, d.id;
