-- Return the local dates on which at least one of the clinic's doctors has published hours that end after :now.
select day::date as date
  from clinic c
 cross join generate_series(:first::date::timestamp, :last::date::timestamp, interval '1 day') as day
 where c.id = :clinic_id
   -- `exists` would scan all slots first
   and (select true
          from booking_slot s
         where s.clinic_id = c.id and s.removed_at is null
           and lower(s.active_during) > local_instant(day::date, 0, c.time_zone) - interval '25 hours'
           and lower(s.active_during) < local_instant(day::date + 1, 0, c.time_zone)
           and upper(s.active_during) > greatest(:now::timestamptz, local_instant(day::date, 0, c.time_zone))
         limit 1)
 order by date
