-- Only holds expire, and only cancelled appointments have a cancellation reason.
select id::text as subject
  from appointment
 where clinic_id = :clinic_id
   and not ((status = 'pending') = (hold_expires_at is not null)
            and (status = 'cancelled' or num_nonnulls(cancel_reason, cancel_cause) = 0 and not only_held))
 limit :limit
