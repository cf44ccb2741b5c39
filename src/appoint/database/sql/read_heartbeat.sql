-- Return the heartbeat that a replica has replayed, and how much of the write-ahead log: null on a primary.
select h.written_at, c.system_identifier, current_database() as database,
       (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint as position
  from pg_control_system() c left join replication_heartbeat h on true
