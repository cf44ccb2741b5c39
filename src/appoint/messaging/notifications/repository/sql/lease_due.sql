with free as (
  select least(:limit::bigint, count(*)) as tokens
    from send_token
   where channel = :channel and free_at <= clock_timestamp()
), waiting as (
  select ctid, id, urgent, due_at
    from notification
   where channel = :channel and status = 'queued' and due_at <= :now
   order by urgent desc, due_at
   limit (select tokens from free)
     for update skip locked
), abandoned as (  -- leased by a worker that died
  select ctid, id, urgent, due_at
    from notification
   where channel = :channel and status = 'leased' and leased_until <= :now
   limit (select tokens from free)
     for update skip locked
), due as (
  select ctid, id, row_number() over (order by urgent desc, due_at) as place
    from (table waiting union all table abandoned) as both_
), token as (  -- skips any that another worker is currently taking
  select number
    from send_token
   where channel = :channel and free_at <= clock_timestamp()
   order by free_at
   limit (select least(count(*), (select tokens from free)) from due)
     for update skip locked
), taken_token as (
  update send_token set free_at = clock_timestamp() + :lease::interval
   where channel = :channel and number = any(array(table token))
  returning number
), pair as (
  select ctid, id, number, place
    from due
    join (select number, row_number() over () as place from taken_token) as numbered_token using (place)
), leased as (
  update notification n
     set status = 'leased', leased_until = :now::timestamptz + :lease::interval,
         attempts = attempts + 1, updated_at = now()
   where n.ctid = any(array(select ctid from pair))  -- the rows are locked; the planner cannot know how few there are
  returning n.id, n.attempts
)
-- if a row has changed since the statement began, the lock is on its new version, which the update does not see
select leased.id, leased.attempts, pair.number
  from pair
  left join leased on leased.id = pair.id
 order by pair.place
