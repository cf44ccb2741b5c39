-- Write the heartbeat unless another process has just done so, and return what identifies this database.
with written as (
  insert into replication_heartbeat (written_at)
  select clock_timestamp()
   where not exists (
           select from replication_heartbeat
            where written_at between clock_timestamp() - :interval::interval and clock_timestamp())
  on conflict (only_row) do update set written_at = excluded.written_at
)
select clock_timestamp() as now, system_identifier, current_database() as database
  from pg_control_system()
