-- Lease calls whose room is due to be created or ended, the longest due first. A call at a provider with a rate limit
-- needs one of its tokens. Each provider's calls are looked up separately, so that a long queue at one provider does
-- not delay the others.
with free as (
  select gateway, count(*) filter (where free_at <= clock_timestamp()) as tokens
    from call_token
   group by gateway
), due as materialized (
  select found.*
    from unnest(:gateways::text[]) as provider (gateway)
    left join free using (gateway)
   cross join lateral (
     select c.clinic_id, c.id, c.gateway, c.due_at
       from call c
      where c.gateway = provider.gateway and c.due_at <= :now and (c.leased_until is null or c.leased_until <= :now)
        and exists (select from clinic k where k.id = c.clinic_id)  -- has not moved
      order by c.due_at
      limit least(:limit::bigint, free.tokens)  -- without tokens, the first
        for no key update skip locked) as found
   order by found.due_at
   limit :limit
), token as materialized (  -- skips any that another worker is currently taking
  select gateway, number
    from call_token
   where free_at <= clock_timestamp() and gateway in (select gateway from due)
     for update skip locked
), pair as materialized (
  select due.clinic_id, due.id, due.gateway, number
    from (select *, row_number() over (partition by gateway order by due_at) as place from due) as due
    left join (select *, row_number() over (partition by gateway) as place from token) as token using (gateway, place)
   where number is not null or not exists (select from free where free.gateway = due.gateway)
), taken as (
  update call_token t
     set free_at = clock_timestamp() + :lease::interval
    from pair
   where t.gateway = pair.gateway and t.number = pair.number
)
update call c
   set leased_until = :now::timestamptz + :lease::interval, tries = c.tries + 1
  from pair
 where c.clinic_id = pair.clinic_id and c.id = pair.id
returning c.clinic_id, c.id, c.appointment_id, c.gateway, c.state, c.tries, lower(c.during) as starts_at,
          upper(c.during) as ends_at, c.updated_at as wanted_at,
          (select a.doctor_id from appointment a where a.clinic_id = c.clinic_id and a.id = c.appointment_id)
            as doctor_id,
          pair.number as token
