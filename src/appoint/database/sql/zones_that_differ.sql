-- Compare each period's offset at its first and last second, and once a week in between.
with known as materialized (
  select name from pg_timezone_names where name = any(:zones::text[])
), period as (
  select *
    from unnest(:zones::text[], :starts::timestamptz[], :ends::timestamptz[], :offsets::interval[])
      as period (zone, starts_at, ends_at, utc_offset)
), differing as (
  select distinct period.zone
    from period
    left join known on known.name = period.zone
   cross join lateral (
     select generate_series(period.starts_at, period.ends_at - interval '1 second', interval '7 days')
     union all
     select period.ends_at - interval '1 second'
   ) as sample (instant)
   where case when known.name is null then true  -- "at time zone" would raise an error
              else sample.instant at time zone period.zone
                   <> sample.instant at time zone 'UTC' + period.utc_offset end
)
select zone, exists (select from clinic where active and time_zone = zone) as in_use
  from differing
 order by zone
