with free as (
  select least(:limit::bigint, count(*)) as tokens
    from send_token
   where channel = :channel and free_at <= clock_timestamp()
), waiting as (
  select ctid, id, clinic_id, message_key, status, urgent, due_at
    from notification n
   where channel = :channel and status = 'queued' and due_at <= :now
     and (of_clinic_id is null or exists (select from clinic c where c.id = n.of_clinic_id))  -- has not moved
     and not exists (  -- only the first of those that share a message; all workers agree on which one that is
       select from notification other
        where other.clinic_id = n.clinic_id and other.message_key = n.message_key
          and other.channel = :channel and other.status = 'queued' and other.due_at <= :now
          and (other.urgent > n.urgent or (other.urgent = n.urgent and other.id < n.id)))
   order by urgent desc, due_at
   limit (select tokens from free)
     for update skip locked
), abandoned as (  -- leased by a worker that died
  select ctid, id, clinic_id, message_key, status, urgent, due_at
    from notification n
   where channel = :channel and status = 'leased' and leased_until <= :now
     and (of_clinic_id is null or exists (select from clinic c where c.id = n.of_clinic_id))
     and not exists (
       select from notification other
        where other.clinic_id = n.clinic_id and other.message_key = n.message_key
          and other.channel = :channel and other.status = 'leased' and other.leased_until <= :now
          and other.id < n.id)
   limit (select tokens from free)
     for update skip locked
), due as (
  select *, row_number() over (order by urgent desc, due_at) as place
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
), pair as materialized (
  select due.*, number
    from due
    join (select number, row_number() over () as place from taken_token) as numbered_token using (place)
), follower as materialized (  -- the others in a leader's message
  select other.ctid, other.id, pair.id as leader_id
    from pair
   cross join lateral (
     select n.ctid, n.id
       from notification n
      where n.clinic_id = pair.clinic_id and n.message_key = pair.message_key
        and n.channel = :channel and n.id <> pair.id and n.status = pair.status
        and case n.status when 'queued' then n.due_at else n.leased_until end <= :now
      order by n.id
      limit :followers
        for update skip locked) as other
), leased as (
  update notification n
     set status = 'leased', leased_until = :now::timestamptz + :lease::interval,
         attempts = attempts + 1, updated_at = now(),
         leader_id = (select leader_id from follower where follower.id = n.id)
   -- the rows are locked; the planner cannot know how few there are
   where n.ctid = any(array(select ctid from pair union all select ctid from follower))
  returning n.id, n.attempts
)
-- if a row has changed since the statement began, the lock is on its new version, which the update does not see
select leased.id, leased.attempts, pair.number,
       array(select follower.id from follower where follower.leader_id = pair.id) as follower_ids
  from pair
  left join leased on leased.id = pair.id
 order by pair.place
