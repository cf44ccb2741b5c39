-- An allocation covers as many cents of the payment as of what it pays, and none once it has been undone.
select id::text as subject
  from allocation
 where clinic_id = :clinic_id
   and not coalesce(case when undone_at is null
                    then upper(of_payment) - lower(of_payment) = amount and upper(of_target) - lower(of_target) = amount
                    else num_nonnulls(of_payment, of_target) = 0 end,
                    false)
 limit :limit
