-- A coupon is used no more often than it allows, in total and per customer, and only once per appointment.
select u.id::text as subject
  from (select clinic_id, id, coupon_id, taken, taken_by_customer,
               count(*) over (partition by coupon_id, use) > 1
               or count(*) over (partition by coupon_id, customer_id, customer_use) > 1
               or active_appointment_id is not null
                  and count(*) over (partition by active_appointment_id) > 1 as is_double
          from coupon_use
         where clinic_id = :clinic_id and released_at is null) as u
  left join coupon c on c.clinic_id = u.clinic_id and c.id = u.coupon_id
 where u.is_double or not coalesce(c.uses @> u.taken and c.uses_per_customer @> u.taken_by_customer, false)
 limit :limit
