-- An allocation covers as many cents of what it pays as of the payment, and none once it is undone.
select id::text as subject
  from allocation
 where clinic_id = :clinic_id
   and not coalesce(case when undone_at is null
                    then upper(of_payment) - lower(of_payment) = amount and upper(of_target) - lower(of_target) = amount
                    else num_nonnulls(of_payment, of_target) = 0 end,
                    false)
 limit :limit
