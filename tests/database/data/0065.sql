-- A heartbeat, as a server with replicas writes it.
insert into replication_heartbeat (written_at) values (now());
