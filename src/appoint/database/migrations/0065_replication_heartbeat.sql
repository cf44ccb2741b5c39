-- When the primary last wrote its heartbeat. What a replica has of it shows how old the replica's data is.

create table replication_heartbeat (
  only_row boolean primary key default true constraint replication_heartbeat_only_row check (only_row),
  written_at timestamptz not null
);

-- Each server process with replicas writes it. It contains no personal data, so there is no row security.
grant select, insert, update on replication_heartbeat to appoint_server;
