-- Each refund takes exactly its amount out of its payment; a failed refund takes nothing.
select r.id::text as subject
  from refund r
  left join lateral (select range_agg(a.of_refund) as taken, coalesce(sum(a.amount), 0) as amount,
                            bool_and(a.payment_id = r.payment_id and a.currency = r.currency) as fits
                       from allocation a
                      where a.clinic_id = r.clinic_id and a.refund_id = r.id and a.undone_at is null) as a on true
 where r.clinic_id = :clinic_id
   and (a.amount <> case when r.whole is null then 0 else r.amount end
        or coalesce(a.taken, '{}') <> coalesce(int8multirange(r.whole), '{}')
        or not coalesce(a.fits, true))
 limit :limit
