-- What billing needs to know about an appointment.
select a.clinic_id, a.id, a.booking_id, a.customer_id, a.booker_id, a.appointment_type_id, a.status,
       a.status = 'cancelled' and a.cancel_cause is distinct from 'undone'
       and (a.only_held or a.cancel_cause is distinct from 'request') as was_only_held,
       a.undo_status is not null or a.cancel_cause is not distinct from 'undone' as by_clinic,
       lower(a.during) as start_time, a.price_amount,
       coalesce(a.price_currency, c.currency) as currency,
       t.name as type, c.time_zone, b.ended_at, b.settled_as, a.updated_at, c.active,
       exists (select from payment_policy p where p.clinic_id = :clinic_id) as has_policy
  from appointment a
  join clinic c on c.id = a.clinic_id
  left join appointment_type t on t.clinic_id = :clinic_id and t.id = a.appointment_type_id
  left join appointment_bill b on b.clinic_id = :clinic_id and b.appointment_id = a.id
 where a.clinic_id = :clinic_id and a.id = :appointment_id
