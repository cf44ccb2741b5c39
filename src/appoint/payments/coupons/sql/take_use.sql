-- Take a coupon's lowest free use for a customer. Returns nothing if there is none.
with taken as materialized (
  select use, customer_use, customer_id
    from coupon_use
   where clinic_id = :clinic_id and coupon_id = :coupon_id and released_at is null
), free as (
  select lower(piece) as use
    from coupon c
   cross join lateral unnest(int4multirange(c.uses)
                             - coalesce((select range_agg(int4range(use, use + 1)) from taken), '{}')) as piece
   where c.clinic_id = :clinic_id and c.id = :coupon_id and c.active
   order by 1
   limit 1
), free_for_customer as (
  select lower(piece) as use
    from coupon c
   cross join lateral unnest(int4multirange(c.uses_per_customer)
                             - coalesce((select range_agg(int4range(customer_use, customer_use + 1))
                                           from taken
                                          where customer_id = :customer_id), '{}')) as piece
   where c.clinic_id = :clinic_id and c.id = :coupon_id
   order by 1
   limit 1
)
insert into coupon_use (clinic_id, id, coupon_id, customer_id, appointment_id, use, customer_use, reserved_until)
select :clinic_id, mint_id(:clinic_id), :coupon_id, :customer_id, :appointment_id, f.use, c.use,
       :reserved_until::timestamptz
  from free f
 cross join free_for_customer c
on conflict do nothing
returning id
