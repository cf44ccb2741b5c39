-- A clinic's payments, newest first. The filters decide which branch of `candidate` reads anything, so that it reads
-- little more than the page.
with days as (
  select coalesce(local_instant(:first_day::date, 0, time_zone), '-infinity') as first,
         coalesce(local_instant(:last_day::date + 1, 0, time_zone), 'infinity') as last
    from clinic
   where id = :clinic_id
), candidate as (
  select p.id, p.status, p.method, p.succeeded_at
    from payment p
   where :customer_id::uuid is not null and p.customer_id = :customer_id and p.clinic_id = :clinic_id
   union all
  select p.id, p.status, p.method, p.succeeded_at
    from payment p
   where :customer_id is null and num_nonnulls(:first_day::date, :last_day::date) > 0
     and p.clinic_id = :clinic_id and p.succeeded_at >= (select first from days)
     and p.succeeded_at < (select last from days)
   union all
  (select p.id, p.status, p.method, p.succeeded_at
     from payment p
    where :customer_id is null and num_nonnulls(:first_day, :last_day) = 0
      and p.clinic_id = :clinic_id and p.id < coalesce(:before::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      and (:status::text is null or p.status = :status) and (:method::text is null or p.method = :method)
    order by p.id desc
    limit :limit::integer + 1)
), page as (
  select c.id
    from candidate c
   cross join days
   where (:before is null or c.id < :before)
     and (:status is null or c.status = :status)
     and (:method is null or c.method = :method)
     and (:first_day is null or c.succeeded_at >= days.first)
     and (:last_day is null or c.succeeded_at < days.last)
   order by c.id desc
   limit :limit + 1
)
select s.*
  from page
  join shown_payment s on s.clinic_id = :clinic_id and s.id = page.id
 order by s.id desc
