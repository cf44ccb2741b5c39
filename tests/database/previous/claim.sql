-- The booking statement of release 0.1.0 (revision 0006). Its servers run it on the new schema until they are replaced.

with recursive wish as (
  select *,
         case when :rule = 'leastBusy' and named_doctor_id is null
              then tstzrange(local_instant(date_trunc('week', starts_at at time zone :time_zone)::date, 0, :time_zone),
                             local_instant(date_trunc('week', starts_at at time zone :time_zone)::date + 7, 0,
                                           :time_zone)) end as week
    from unnest(:positions::smallint[], :ids::uuid[], :doctors::uuid[], :customers::uuid[], :types::uuid[],
                :starts::timestamptz[], :ends::timestamptz[], :claimed_from::timestamptz[],
                :claimed_until::timestamptz[], :statuses::text[], :hold_expires_at::timestamptz[],
                :price_amounts::int[], :price_currencies::text[],
                :notes::text[], :overridden::text[])
         with ordinality as w (position, id, named_doctor_id, customer_id, appointment_type_id, starts_at, ends_at,
                               claimed_from, claimed_until, status, hold_expires_at, price_amount, price_currency,
                               notes, overridden, n)
), candidate as (  -- who may be booked, as long as what the caller knew of clinic, doctors and types still stands
  select k.n, d.id as doctor_id
    from unnest(:candidate_wishes::bigint[], :candidate_doctors::uuid[], :candidate_versions::int[])
         as k (n, doctor_id, version)
    join doctor d on d.clinic_id = :clinic_id and d.id = k.doctor_id and d.version = k.version and d.active
   where exists (select from clinic c where c.id = :clinic_id and c.version = :clinic_version and c.active)
     and not exists (select from unnest(:type_ids::uuid[], :type_versions::int[]) as u (id, version)
                      where not exists (select from appointment_type t
                                         where t.clinic_id = :clinic_id and t.id = u.id and t.version = u.version
                                           and t.active))
), capped as (  -- one customer after the other in the same order everywhere: such statements wait for each other here,
                -- before they write
  select bool_and(fits_caps(:clinic_id, customer_id, more, more_held, :max_appointments, :max_holds, :now)) as fits
    from (select customer_id, count(*) as more, count(*) filter (where status = 'pending') as more_held
            from wish where :max_appointments::int is not null
           group by customer_id order by customer_id offset 0) per_customer
), placed (n, doctor_ids) as (  -- one wish after the other, so that the rule's choice for one knows those before
  select 0::bigint, '{}'::uuid[]
  union all
  select w.n, p.doctor_ids || (
           select c.doctor_id
             from candidate c
            where c.n = w.n
              and (w.named_doctor_id is not null
                   or (select range_agg(s.active_during) from booking_slot s
                        where s.clinic_id = :clinic_id and s.doctor_id = c.doctor_id
                          and s.active_during && tstzrange(w.starts_at, w.ends_at)) @> tstzrange(w.starts_at, w.ends_at)
                  and not exists (select from appointment a
                                   where a.clinic_id = :clinic_id and a.doctor_id = c.doctor_id
                                     and a.active_claim && tstzrange(w.claimed_from, w.claimed_until))
                  and not exists (select from wish o
                                   where o.n < w.n and p.doctor_ids[o.n] = c.doctor_id
                                     and tstzrange(o.claimed_from, o.claimed_until)
                                         && tstzrange(w.claimed_from, w.claimed_until)))
            order by case when w.named_doctor_id is not null then 0
                          when :rule = 'leastBusy'  -- counts claims, which the index has
                          then (select count(*) from appointment a
                                 where a.clinic_id = :clinic_id and a.doctor_id = c.doctor_id
                                   and a.active_claim && w.week)
                               + (select count(*) from wish o
                                   where p.doctor_ids[o.n] = c.doctor_id
                                     and tstzrange(o.claimed_from, o.claimed_until) && w.week)
                          when :rule = 'roundRobin' and c.doctor_id = any(p.doctor_ids) then extract(epoch from now())
                          when :rule = 'roundRobin'
                          then (select extract(epoch from max(a.created_at)) from appointment a
                                 where a.clinic_id = :clinic_id and a.doctor_id = c.doctor_id and a.chosen)
                     end nulls first, random()
            limit 1)
    from placed p join wish w on w.n = p.n + 1
), booked as (
  insert into appointment (clinic_id, id, booking_id, position, doctor_id, customer_id, booker_id, appointment_type_id,
                           status, hold_expires_at, during, claimed, chosen, price_amount, price_currency, notes,
                           overridden, override_reason, idempotency_caller, idempotency_key, request_digest)
  select :clinic_id, w.id, :booking_id, w.position, last.doctor_ids[w.n], w.customer_id, :booker_id,
         w.appointment_type_id, w.status, w.hold_expires_at, tstzrange(w.starts_at, w.ends_at),
         tstzrange(w.claimed_from, w.claimed_until), w.named_doctor_id is null, w.price_amount, w.price_currency,
         w.notes, w.overridden::text[], case when w.overridden <> '{}' then :override_reason end, :caller, :key, :digest
    from wish w
    join placed last
      on last.n = cardinality(:positions) and last.doctor_ids[w.n] is not null
     and (select fits is not false from capped)
    join customer on customer.id = w.customer_id and customer.active
   -- appointments that staff made beside others are not in customer_free, and take the customer's time all the same
   where w.overridden like '%customer-busy%'
      or not exists (select from appointment a
                      where a.clinic_id = :clinic_id and a.customer_id = w.customer_id
                        and 'customer-busy' = any(a.overridden)
                        and a.active_during && tstzrange(w.starts_at, w.ends_at))
   order by last.doctor_ids[w.n], w.starts_at  -- two such statements never wait for each other
     for key share of customer  -- so that nobody is removed meanwhile
  on conflict do nothing  -- no target: doctor_free, customer_free and same_request alike; never raises, never deadlocks
  returning clinic_id, id, booking_id, position, booker_id, doctor_id, customer_id, appointment_type_id,
            lower(during) as start_time, upper(during) as end_time, :time_zone::text as time_zone, status,
            hold_expires_at, cancel_reason, needs_rebooking, price_amount, price_currency, notes, version, created_at,
            updated_at, overridden as overrides, override_reason
), registered as (  -- the first visit makes a customer a patient
  insert into patient (clinic_id, customer_id) select distinct clinic_id, customer_id from booked
  on conflict do nothing
), told as (
  insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
  select clinic_id, case status when 'pending' then 'appointment.held' else 'appointment.booked' end, id::text, version,
         jsonb_strip_nulls(jsonb_build_object('bookingId', booking_id, 'doctorId', doctor_id, 'customerId', customer_id,
                                              'startTime', start_time, 'endTime', end_time, 'sequence', 0,
                                              'holdExpiresAt', hold_expires_at)),
         :traceparent
    from booked
), recorded as (  -- who did it
  insert into audit_unsealed (clinic_id, actor, action, subjects, address, request_id, reason)
  select :clinic_id, :actor, :action, array_agg(id::text order by position), :address, :request_id, :audit_reason
    from booked
  having count(*) > 0
)
select * from booked
 where cardinality(:positions) = 1 or refuse_partial((select count(*) from booked), cardinality(:positions))
