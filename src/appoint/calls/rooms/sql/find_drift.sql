-- Find appointments whose calls do not fit them, whatever the reason: live calls that are over or out of date, and
-- online appointments that start soon and have no call.
select c.clinic_id, c.appointment_id
  from call c
 where c.live_appointment_id is not null
   and (select true from clinic k where k.id = c.clinic_id)  -- has not moved
   and (upper(c.during) <= :now::timestamptz - :closes_after::interval
        or upper(c.during) < :now::timestamptz + :ahead::interval
           and not (select a.sequence = c.sequence and a.status in ('booked', 'arrived', 'checked-in', 'fulfilled')
                           and coalesce((select t.mode = 'online'
                                           from appointment_type t
                                          where t.clinic_id = a.clinic_id and t.id = a.appointment_type_id), false)
                      from appointment a
                     where a.clinic_id = c.clinic_id and a.id = c.appointment_id))
union
select k.id, missing.id
  from clinic k
  left join call_settings s on s.clinic_id = k.id,
       -- one clinic at a time, by its appointments' start
       lateral (select a.id
                  from appointment a
                  join appointment_type t on t.clinic_id = k.id and t.id = a.appointment_type_id
                 where a.clinic_id = k.id and lower(a.during) > :now
                   and lower(a.during) < :now::timestamptz + :ahead::interval
                   and a.status in ('booked', 'arrived', 'checked-in') and t.mode = 'online'
                   and not exists (select
                                     from call c
                                    where c.clinic_id = k.id and c.appointment_id = a.id
                                      and (c.live_appointment_id is not null
                                           or c.sequence = a.sequence and c.opened_at is not null))
                offset 0) as missing
 where k.active and coalesce(s.gateway, :default_gateway::text) <> 'off'
 limit :limit
