-- Write each booking that breaks no rule, together with its patient record, event and audit entry. The bookings are
-- independent: each has one appointment, and they belong to different customers. Whatever is missing from the result
-- was not written, and is tried again by insert_appointments.sql, which waits for locks.
with locked as materialized (
  select b as booking, c.is_bounded
    from unnest(:bookings::gathered_booking[]) as b
    join lock_gathered(:bookings::gathered_booking[]) as c on c.id = b.id
   where b.max_appointments is null
      or c.upcoming < b.max_appointments and (b.status <> 'pending' or c.held < b.max_holds)
), booking as materialized (
  select b.*, cardinality(b.doctors) > 1 as chooses_doctor, l.is_bounded
    from with_times(array(select booking from locked)) as b
    join locked l on (l.booking).id = b.id
), inserted as (
  insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, appointment_type_id, status,
                           hold_expires_at, during, claimed, chosen, price_amount, price_currency, notes, arrived_at,
                           idempotency_caller, idempotency_key, request_digest)
  select b.clinic_id, b.id, b.id, b.doctor_id, b.customer_id, b.appointment_type_id, b.status, b.hold_expires_at,
         tstzrange(b.starts_at, b.ends_at), tstzrange(b.claimed_from, b.claimed_until),
         coalesce(b.chooses_doctor, false), t.price_amount, t.price_currency, b.notes,
         case when b.status in ('arrived', 'checked-in') then b.now end,
         (b.request).caller, (b.request).key, (b.request).digest
    from booking b
    join clinic c on c.id = b.clinic_id and c.version = b.clinic_version and c.active
    join doctor d on d.clinic_id = b.clinic_id and d.id = b.doctor_id and d.version = b.doctor_version and d.active
    join customer on customer.id = b.customer_id and customer.active
    left join appointment_type t
      on t.clinic_id = b.clinic_id and t.id = b.appointment_type_id and t.version = b.type_version and t.active
   cross join lateral (select range_agg(s.active_during) as ranges,
                              bool_or(s.active_during @> b.starts_at
                                      and (b.step_seconds is null  -- patients can choose only offered starts
                                           or extract(epoch from b.starts_at - lower(s.active_during))
                                              % b.step_seconds = 0)) as is_offered
                         from (select active_during
                                 from booking_slot
                                where clinic_id = b.clinic_id and doctor_id = b.doctor_id
                                  and active_during && tstzrange(b.starts_at, b.ends_at)
                                  for key share skip locked) as s) as hours
   where (b.appointment_type_id is null or t.id is not null)
     and (not b.needs_code or shares_address(b.customer_id, b.customer_id))
     and hours.is_offered and hours.ranges @> tstzrange(b.starts_at, b.ends_at)
     -- customer_free ignores appointments for which staff overrode customer-busy, so check them
     and not exists (select
                       from appointment a
                      where a.clinic_id = b.clinic_id and a.customer_id = b.customer_id
                        and 'customer-busy' = any(a.overridden)
                        and a.active_during && tstzrange(b.starts_at, b.ends_at))
   order by b.doctor_id, b.starts_at  -- as in insert_appointments.sql, so that concurrent statements do not deadlock
     for key share of d, customer skip locked
  on conflict do nothing
  returning clinic_id, id, doctor_id, customer_id, during, claimed, status, hold_expires_at, version, created_at
), new_patients as (
  insert into patient (clinic_id, customer_id)
  select clinic_id, customer_id from inserted where status <> 'pending'
  on conflict do nothing
), codes as (
  insert into confirmation_code (clinic_id, booking_id, customer_id, customer_version)
  select i.clinic_id, i.id, c.id, c.version
    from inserted i
    join booking b on b.id = i.id and b.needs_code
    join customer c on c.id = i.customer_id
), strangers as (
  insert into stranger_appointment (clinic_id, appointment_id, created_at, networks, minutes, held)
  select i.clinic_id, i.id, b.now, (b.origin).networks,
         ceil(extract(epoch from upper(i.claimed) - lower(i.claimed)) / 60),
         i.status = 'pending' or (b.origin).clinic_percent is null
    from inserted i
    join booking b on b.id = i.id and b.is_bounded
), events as (
  insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
  select i.clinic_id, case i.status when 'pending' then 'appointment.held' else 'appointment.booked' end, i.id::text,
         i.version,
         appointment_event_data(i.id, i.doctor_id, i.customer_id, i.during, 0,
                                case i.status when 'pending'
                                              then jsonb_build_object('holdExpiresAt', i.hold_expires_at)
                                                   || case when b.needs_code then jsonb '{"needsCode": true}'
                                                           else jsonb '{}' end end),
         b.traceparent
    from inserted i
    join booking b on b.id = i.id
   union all
  select i.clinic_id, 'appointment.code-requested', i.id::text, i.version,
         appointment_event_data(i.id, i.doctor_id, i.customer_id, i.during, 0,
                                jsonb_build_object('number', 1, 'holdExpiresAt', i.hold_expires_at)),
         b.traceparent
    from inserted i
    join booking b on b.id = i.id and b.needs_code
), audit as (
  insert into audit_unsealed (clinic_id, actor, action, subjects, address, request_id, reason)
  select i.clinic_id, (b.actor).key, (b.actor).action, array[i.id::text], (b.actor).address, (b.actor).request_id,
         (b.actor).reason
    from inserted i
    join booking b on b.id = i.id
)
select i.id, i.doctor_id, lower(i.during) as start_time, i.created_at,
       case when b.needs_code then masked_address(i.customer_id) end as code_sent_to
  from inserted i
  join booking b on b.id = i.id
