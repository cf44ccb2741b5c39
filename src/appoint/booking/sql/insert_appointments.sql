-- Write all requested appointments or none, together with their patient records, events and audit entry. Every table
-- with a clinic_id is filtered by it; the recursion does not read any table. If a member of staff books, keep what is
-- needed to undo it.
with recursive bookable_clinic as (  -- empty if the clinic has changed since planning
  select c.time_zone, c.doctor_choice
    from clinic c
   where c.id = :clinic_id and c.version = :clinic_version and c.active
), requested as (
  select r.*, c.doctor_choice,
         coalesce(lock_person(:clinic_id, r.customer_id), '00000000-0000-0000-0000-000000000000') as person_id,
         case when c.doctor_choice = 'leastBusy' and r.doctor_id is null
              then tstzrange(local_instant(date_trunc('week', r.starts_at at time zone c.time_zone)::date, 0,
                                           c.time_zone),
                             local_instant(date_trunc('week', r.starts_at at time zone c.time_zone)::date + 7, 0,
                                           c.time_zone))
         end as week
    from bookable_clinic c
   cross join unnest(:requests::requested_appointment[]) as r
-- Build ranges where they are used to search an index: PostgreSQL would unpack a range from a CTE for each comparison.
), eligible as materialized (  -- the doctors who can take each request, according to committed rows
  select r.turn, d.id as doctor_id,
         case when r.doctor_id is not null then null
              when r.doctor_choice = 'leastBusy'  -- counts claims, which needs only the index
              then (select count(*)
                      from appointment a
                     where a.clinic_id = :clinic_id and a.doctor_id = d.id
                       and a.active_claim && tstzrange(lower(r.week), upper(r.week)))
              when r.doctor_choice = 'roundRobin'
              then (select extract(epoch from max(a.created_at))
                      from appointment a
                     where a.clinic_id = :clinic_id and a.doctor_id = d.id and a.chosen)
         end as rank
    from unnest(:candidates::appointment_candidate[]) as k
    join requested r on r.turn = k.turn
    join doctor d on d.clinic_id = :clinic_id and d.id = k.doctor_id and d.version = k.version and d.active
   where not exists (select
                       from unnest(:types::versioned_id[]) as u
                      where not exists (select
                                          from appointment_type t
                                         where t.clinic_id = :clinic_id and t.id = u.id and t.version = u.version
                                           and t.active))
     and (:step_seconds::integer is null  -- patients and strangers can choose only offered starts
          or exists (select
                       from booking_slot s
                      where s.clinic_id = :clinic_id and s.doctor_id = d.id and s.active_during @> r.starts_at
                        and extract(epoch from r.starts_at - lower(s.active_during)) % :step_seconds = 0))
     and (r.doctor_id is not null  -- a named doctor's time is checked by constraints
          or (select range_agg(s.active_during)
                from booking_slot s
               where s.clinic_id = :clinic_id and s.doctor_id = d.id
                 and s.active_during && tstzrange(r.starts_at, r.ends_at)) @> tstzrange(r.starts_at, r.ends_at)
             and not exists (select
                               from appointment a
                              where a.clinic_id = :clinic_id and a.doctor_id = d.id
                                and a.active_claim && tstzrange(r.claimed_from, r.claimed_until)))
), bounded as (  -- strangers, and signed-in patients who are no better known than strangers
  select (:origin::stranger_origin).networks is not null
         and (:signed_in_id::uuid is null
              or not exists (select
                               from customer c
                              where c.id = :signed_in_id and c.created_at <= :known_since)
                 and not exists (select
                                   from appointment a
                                  where a.clinic_id = :clinic_id and a.customer_id = :signed_in_id
                                    and a.status in ('booked', 'arrived', 'checked-in', 'fulfilled')
                                    and lower(a.during) < :now)) as is_bounded
), within_bounds as (  -- strangers' bookings at one clinic queue here, always before they queue for a customer
  select fits_stranger_bounds(:clinic_id, :origin::stranger_origin, array_agg(distinct customer_id), count(*),
                              ceil(sum(extract(epoch from claimed_until - claimed_from)) / 60), :now) as fits
    from requested
   where (select is_bounded from bounded)
  having count(*) > 0
), within_limits as (  -- locks customers in id order, so that concurrent statements queue here instead of deadlocking
  select bool_and(fits_caps(:clinic_id, customer_id, more, more_held, (:limits::booking_limits).appointments,
                            (:limits::booking_limits).holds, :now)) as fits
    from (select customer_id, count(*) as more, count(*) filter (where status = 'pending') as more_held
            from requested
           where (:limits::booking_limits).appointments is not null
             and (select fits from within_bounds) is not false
           group by customer_id
           order by customer_id
          offset 0) as per_customer
), assigned (turn, doctor_ids) as (  -- one request at a time, so that the clinic's rule sees earlier choices
  select 0::smallint, '{}'::uuid[]
  union all
  select r.turn, before.doctor_ids || (
           select e.doctor_id
             from eligible e
            where e.turn = r.turn
              and (r.doctor_id is not null
                   or not exists (select
                                    from requested o
                                   where o.turn < r.turn and before.doctor_ids[o.turn] = e.doctor_id
                                     and tstzrange(o.claimed_from, o.claimed_until)
                                         && tstzrange(r.claimed_from, r.claimed_until)))
            order by case when r.week is not null
                          then e.rank + (select count(*)
                                           from requested o
                                          where before.doctor_ids[o.turn] = e.doctor_id
                                            and tstzrange(o.claimed_from, o.claimed_until) && r.week)
                          when r.doctor_choice = 'roundRobin' and e.doctor_id = any(before.doctor_ids)
                          then extract(epoch from now())
                          else e.rank
                     end nulls first,
                     random()
            limit 1)
    from assigned as before
    join requested r on r.turn = before.turn + 1
), inserted as (
  insert into appointment (clinic_id, id, booking_id, position, doctor_id, customer_id, booker_id, appointment_type_id,
                           status, hold_expires_at, during, claimed, chosen, price_amount, price_currency, notes,
                           overridden, override_reason, arrived_at, idempotency_caller, idempotency_key,
                           request_digest, person_id, undo_status, stepped_at, step_id)
  select :clinic_id, r.id, :booking_id, r.position, final.doctor_ids[r.turn], r.customer_id, :booker_id,
         r.appointment_type_id, r.status, r.hold_expires_at, tstzrange(r.starts_at, r.ends_at),
         tstzrange(r.claimed_from, r.claimed_until), r.doctor_id is null, r.price_amount, r.price_currency, r.notes,
         r.overrides, case when r.overrides <> '{}' then (:override_reasons::text[])[r.turn] end,
         case when r.status in ('arrived', 'checked-in') then :now::timestamptz end,
         (:idempotency::idempotency).caller, (:idempotency::idempotency).key, (:idempotency::idempotency).digest,
         r.person_id, case when :step_id::uuid is not null and r.status <> 'pending' then 'cancelled' end,
         case when :step_id is not null and r.status <> 'pending' then :now end,
         case when r.status <> 'pending' then :step_id end
    from requested r
    join assigned as final
      on final.turn = cardinality(:requests::requested_appointment[])
     and final.doctor_ids[r.turn] is not null
     and (select fits from within_bounds) is not false
     and (select fits is not false from within_limits)
    join customer on customer.id = r.customer_id and customer.active
   where (not :needs_code::boolean or shares_address(r.customer_id, coalesce(:booker_id, r.customer_id)))
     and ('customer-busy' = any(r.overrides)
          -- customer_free and person_free ignore appointments for which staff overrode customer-busy, so check them
          or not exists (select
                           from appointment a
                          where a.clinic_id = :clinic_id and a.customer_id = r.customer_id
                            and 'customer-busy' = any(a.overridden)
                            and a.active_during && tstzrange(r.starts_at, r.ends_at))
             and not exists (select
                               from appointment a
                              where a.clinic_id = :clinic_id and a.person_id = r.person_id
                                and a.person_id <> '00000000-0000-0000-0000-000000000000'
                                and 'customer-busy' = any(a.overridden)
                                and a.active_during && tstzrange(r.starts_at, r.ends_at)))
     and (:booker_id::uuid is null
          or exists (select from customer booker where booker.id = :booker_id and booker.active for key share))
   order by final.doctor_ids[r.turn], r.starts_at  -- so that concurrent statements do not deadlock
     for key share of customer  -- so that nothing removes the customer before this statement ends
  on conflict do nothing  -- on doctor_free, customer_free, person_free or same_request; neither raises nor deadlocks
  returning clinic_id, id, booking_id, position, booker_id, doctor_id, customer_id, appointment_type_id, during,
            claimed, status, hold_expires_at, cancel_reason, needs_rebooking, price_amount, price_currency, notes,
            version, created_at, updated_at, overridden, override_reason, arrived_at, in_room_at, staff_notes, step_id,
            stepped_at
), step as (  -- the state before a booking is `cancelled`, and no message has a number yet
  insert into appointment_step (clinic_id, step_id, appointment_id, taken_at, version, status, moved, doctor_id, during,
                                claimed, overridden, needs_rebooking, sequence)
  select clinic_id, step_id, id, :now, version, 'cancelled', false, doctor_id, during, claimed, '{}', false, -1
    from inserted
   where step_id is not null
), new_patients as (  -- the first confirmed booking, for themselves or for others, makes a customer a patient
  insert into patient (clinic_id, customer_id)
  select clinic_id, customer_id from inserted where status <> 'pending'
   union
  select clinic_id, booker_id from inserted where status <> 'pending' and booker_id is not null
  on conflict do nothing
), code as (
  insert into confirmation_code (clinic_id, booking_id, customer_id, customer_version)
  select i.clinic_id, i.booking_id, b.id, b.version
    from inserted i
    join customer b on b.id = coalesce(i.booker_id, i.customer_id)
   where :needs_code and i.position = 0
), strangers as (
  insert into stranger_appointment (clinic_id, appointment_id, created_at, networks, minutes, held)
  select clinic_id, id, :now, (:origin::stranger_origin).networks,
         ceil(extract(epoch from upper(claimed) - lower(claimed)) / 60),
         status = 'pending' or (:origin::stranger_origin).clinic_percent is null
    from inserted
   where (select is_bounded from bounded)
), events as (
  insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
  select clinic_id, case status when 'pending' then 'appointment.held' else 'appointment.booked' end, id::text, version,
         appointment_event_data(booking_id, doctor_id, customer_id, during, 0,
                                case status when 'pending'
                                            then jsonb_build_object('holdExpiresAt', hold_expires_at)
                                                 || case when :needs_code then jsonb '{"needsCode": true}'
                                                         else jsonb '{}' end end),
         :traceparent
    from inserted
   union all
  select clinic_id, 'appointment.code-requested', id::text, version,
         appointment_event_data(booking_id, doctor_id, coalesce(booker_id, customer_id), during, 0,
                                jsonb_build_object('number', 1, 'holdExpiresAt', hold_expires_at)),
         :traceparent
    from inserted
   where :needs_code and position = 0
), audit as (
  insert into audit_unsealed (clinic_id, actor, action, subjects, address, request_id, reason)
  select :clinic_id, (:actor::audit_actor).key, (:actor::audit_actor).action, array_agg(id::text order by position),
         (:actor::audit_actor).address, (:actor::audit_actor).request_id, (:actor::audit_actor).reason
    from inserted
  having count(*) > 0
)
select i.clinic_id, i.id, i.booking_id, i.position, i.booker_id, i.doctor_id, i.customer_id, i.appointment_type_id,
       lower(i.during) as start_time, upper(i.during) as end_time, c.time_zone, i.status, i.hold_expires_at,
       i.cancel_reason, i.needs_rebooking, i.price_amount, i.price_currency, i.notes, i.version, i.created_at,
       i.updated_at, i.overridden as overrides, i.override_reason, i.arrived_at, i.in_room_at, i.staff_notes,
       i.step_id, i.stepped_at,
       case when :needs_code then masked_address(coalesce(i.booker_id, i.customer_id)) end as code_sent_to
  from inserted i
 cross join bookable_clinic c
 where cardinality(:requests::requested_appointment[]) = 1
    or refuse_partial((select count(*) from inserted), cardinality(:requests::requested_appointment[]))
