-- End the calls of these appointments that no longer fit: the visit was rescheduled, cancelled or missed, is no longer
-- online, or is over.
update call c
   set state = 'ending', due_at = greatest(:now, c.leased_until), tries = 0, version = c.version + 1, updated_at = :now
  from unnest(:clinic_ids::integer[], :appointment_ids::uuid[]) as given (clinic_id, id)
 where c.clinic_id = given.clinic_id and c.appointment_id = given.id and c.state not in ('ending', 'ended')
   and not exists (select
                     from appointment a
                     join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
                    where a.clinic_id = c.clinic_id and a.id = c.appointment_id and a.sequence = c.sequence
                      and a.status in ('booked', 'arrived', 'checked-in', 'fulfilled') and t.mode = 'online'
                      and upper(a.during) > :now::timestamptz - :closes_after::interval)
