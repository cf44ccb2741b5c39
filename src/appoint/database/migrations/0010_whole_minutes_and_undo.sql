-- Appointments, booking slots and absences start and end on whole minutes, and staff can undo their last step.

-- Until 1972, some zones had offsets that included seconds, so hours published for those dates can include them too.

alter table appointment
  add constraint appointment_whole_minutes check (
    lower(during) < '1973-01-01 00:00+00'
    or extract(epoch from lower(during)) % 60 = 0 and extract(epoch from upper(during)) % 60 = 0) not valid;
alter table booking_slot
  add constraint booking_slot_whole_minutes check (
    lower(during) < '1973-01-01 00:00+00'
    or extract(epoch from lower(during)) % 60 = 0 and extract(epoch from upper(during)) % 60 = 0) not valid;
alter table absence
  add constraint absence_whole_minutes check (
    lower(during) < '1973-01-01 00:00+00'
    or extract(epoch from lower(during)) % 60 = 0 and extract(epoch from upper(during)) % 60 = 0) not valid;

-- Absences and manually removed time may overlap anything, so extend them to whole minutes.
update absence
   set during = tstzrange(date_trunc('minute', lower(during)),
                          date_trunc('minute', upper(during) + interval '59.999999 seconds'))
 where lower(during) >= '1973-01-01 00:00+00'
   and (extract(epoch from lower(during)) % 60 <> 0 or extract(epoch from upper(during)) % 60 <> 0);
update booking_slot
   set during = tstzrange(date_trunc('minute', lower(during)),
                          date_trunc('minute', upper(during) + interval '59.999999 seconds'))
 where removed_at is not null and lower(during) >= '1973-01-01 00:00+00'
   and (extract(epoch from lower(during)) % 60 <> 0 or extract(epoch from upper(during)) % 60 <> 0);

-- Remove the seconds from appointments and published slots. Rounding both ends of all ranges down to the minute doesn't
-- create overlaps, and keeps each appointment within its slots. Earlier ranges go first, so that none overlaps a
-- neighbour that hasn't been rounded yet.
do $$
declare
  off record;
begin
  if not exists (select
                   from booking_slot
                  where removed_at is null and lower(during) >= '1973-01-01 00:00+00'
                    and (extract(epoch from lower(during)) % 60 <> 0 or extract(epoch from upper(during)) % 60 <> 0))
     and not exists (select
                       from appointment
                      where lower(during) >= '1973-01-01 00:00+00'
                        and (extract(epoch from lower(during)) % 60 <> 0
                             or extract(epoch from upper(during)) % 60 <> 0)) then
    return;
  end if;
  alter table appointment alter constraint within_hours deferrable;
  set constraints within_hours deferred;
  for off in select clinic_id, id, date_trunc('minute', lower(during)) as since,
                    date_trunc('minute', upper(during)) as until
               from booking_slot
              where removed_at is null and lower(during) >= '1973-01-01 00:00+00'
                and (extract(epoch from lower(during)) % 60 <> 0 or extract(epoch from upper(during)) % 60 <> 0)
              order by lower(during)
  loop
    if off.since = off.until then
      delete from booking_slot where clinic_id = off.clinic_id and id = off.id;
    else
      update booking_slot set during = tstzrange(off.since, off.until)
       where clinic_id = off.clinic_id and id = off.id;
    end if;
  end loop;
  for off in select clinic_id, id, date_trunc('minute', lower(during)) as since,
                    date_trunc('minute', upper(during)) as until,
                    date_trunc('minute', lower(claimed)) as claimed_since,
                    date_trunc('minute', upper(claimed)) as claimed_until
               from appointment
              where lower(during) >= '1973-01-01 00:00+00'
                and (extract(epoch from lower(during)) % 60 <> 0 or extract(epoch from upper(during)) % 60 <> 0)
              order by lower(during)
  loop
    update appointment
       set during = tstzrange(off.since, off.until), claimed = tstzrange(off.claimed_since, off.claimed_until)
     where clinic_id = off.clinic_id and id = off.id;
  end loop;
  set constraints within_hours immediate;
  alter table appointment alter constraint within_hours not deferrable;
end $$;

-- The status before the clinic's last step, unless something else has happened since.
alter table appointment
  add column undo_status text,
  add column stepped_at timestamptz,
  -- The check scans columns that are still null in every row.
  -- squawk-ignore constraint-missing-not-valid
  add constraint appointment_undo check (
    num_nulls(undo_status, stepped_at) in (0, 2)
    and undo_status in ('booked', 'arrived', 'checked-in', 'fulfilled', 'cancelled', 'noshow'));
