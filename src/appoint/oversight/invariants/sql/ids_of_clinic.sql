-- Every id contains the number of the clinic that its record belongs to.
select id::text as subject
  from (select clinic_id, id from appointment where clinic_id = :clinic_id
         union all
        select clinic_id, booking_id from appointment where clinic_id = :clinic_id
         union all
        select clinic_id, id from doctor where clinic_id = :clinic_id
         union all
        select clinic_id, id from appointment_type where clinic_id = :clinic_id
         union all
        select clinic_id, id from booking_slot where clinic_id = :clinic_id
         union all
        select clinic_id, id from doctor_slot where clinic_id = :clinic_id
         union all
        select clinic_id, id from time_slot where clinic_id = :clinic_id
         union all
        select clinic_id, id from absence where clinic_id = :clinic_id
         union all
        select clinic_id, id from call where clinic_id = :clinic_id
         union all
        select clinic_id, id from invoice where clinic_id = :clinic_id
         union all
        select clinic_id, id from payment where clinic_id = :clinic_id
         union all
        select clinic_id, id from refund where clinic_id = :clinic_id
         union all
        select clinic_id, id from coupon where clinic_id = :clinic_id) as each
 where clinic_of(id) <> clinic_id
 limit :limit
