-- Withdraw the slots published from now on, for one doctor or for all. A slot in progress ends at the most recent start
-- time on the clinic's step, so that hours republished after it have the same start times, but not before its last
-- appointment ends.
with current as materialized (
  select s.id, lower(s.during) as since,
         greatest(date_bin((select make_interval(mins => slot_step_minutes) from clinic where id = :clinic_id),
                           :now::timestamptz,
                           lower(s.during)),
                  (select max(upper(a.active_during))
                     from appointment a
                    where a.clinic_id = :clinic_id and a.doctor_id = s.doctor_id
                      and a.active_claim && s.during and a.active_during && s.during)) as until
    from booking_slot s
   where s.clinic_id = :clinic_id and (:doctor_id::uuid is null or s.doctor_id = :doctor_id)
     and s.active_during && tstzrange(:now, null) and lower(s.during) < :now
), shortened as (
  update booking_slot s
     set during = tstzrange(since, until), version = version + 1, updated_at = now()
    from current
   where s.clinic_id = :clinic_id and s.id = current.id and since < until
  returning s.doctor_id
), withdrawn as (
  delete from booking_slot
   where clinic_id = :clinic_id and (:doctor_id is null or doctor_id = :doctor_id)
     and active_during && tstzrange(:now, null)
     and (lower(during) >= :now or id in (select id from current where since = until))
  returning doctor_id
), counts as (
  select doctor_id, count(*) as slots
    from (table shortened union all table withdrawn)
   group by doctor_id
)
insert into event (clinic_id, type, subject_id, subject_version, data)
select clinic_id, 'slots.withdrawn', id::text, version,
       jsonb_build_object('doctorId', id, 'from', :now, 'count', counts.slots)
  from doctor join counts on doctor.clinic_id = :clinic_id and doctor.id = counts.doctor_id
