-- Cancel expired holds across clinics. Safe to run concurrently. Holds whose payment may still succeed have to wait:
-- payments/checkout first closes the provider's page.
with due as (
  select a.clinic_id, a.id
    from appointment a
   where a.status = 'pending' and a.hold_expires_at <= :now
     and exists (select from clinic c where c.id = a.clinic_id)  -- has not moved
     and not exists (select
                       from payment p
                      where p.clinic_id = a.clinic_id and p.booking_id = a.booking_id and p.status = 'pending'
                        and p.expires_at > :now - interval '2 hours')
   order by a.hold_expires_at
   limit :limit
     for update of a skip locked
), expired as (
  update appointment a
     set status = 'cancelled', hold_expires_at = null, cancel_reason = 'hold-expired', cancel_cause = 'hold-expired',
         only_held = true, needs_rebooking = false, sequence = sequence + 1, version = version + 1, updated_at = now()
   -- Arrays instead of a join: before the first `analyze`, a join would read a GiST index for every hold while the
   -- update adds entries to that index. If the index's only page is split in the meantime, PostgreSQL 18 marks other
   -- rows' entries as dead.
   where a.clinic_id = any(array(select clinic_id from due)) and a.id = any(array(select id from due))
  returning a.clinic_id, a.id, a.version, a.sequence, a.booking_id, a.doctor_id, a.customer_id, a.during
), withdrawn as (
  delete from booking_slot s
   using expired e
   where s.clinic_id = e.clinic_id and s.doctor_id = e.doctor_id and s.remnant and s.active_during <@ e.during
  returning s.clinic_id, s.id, s.version, s.doctor_id, s.during, s.source
), events as (
  insert into event (clinic_id, type, subject_id, subject_version, data)
  select clinic_id, 'slot.withdrawn', id::text, version, slot_event_data(doctor_id, during)
    from withdrawn
   where source = 'manual'
   union all
  select clinic_id, 'appointment.hold-expired', id::text, version,
         appointment_event_data(booking_id, doctor_id, customer_id, during, sequence)
    from expired
), audit as (
  insert into audit_unsealed (clinic_id, actor, action, subjects)
  select clinic_id, 'system', 'expireHold', array[id::text] from expired
)
select count(*) from expired
