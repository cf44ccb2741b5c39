-- A coupon, by its id or by its code.
select c.*, types.ids as appointment_type_ids, uses.count as use_count
  from coupon c
 cross join lateral (select coalesce(array_agg(t.appointment_type_id order by t.appointment_type_id), '{}') as ids
                       from coupon_type t
                      where t.clinic_id = :clinic_id and t.coupon_id = c.id) as types
 cross join lateral (select count(*) as count
                       from coupon_use u
                      where u.clinic_id = :clinic_id and u.coupon_id = c.id and u.released_at is null) as uses
 where c.clinic_id = :clinic_id
   and (c.id = :id::uuid or c.active_code = upper(:code::text))
