-- A gap in the backups after a failover, and one that is still open.
insert into backup_gap (began_at, ended_at)
values ('2026-11-01T12:00Z', '2026-11-01T12:05Z'), ('2026-11-20T12:00Z', null);
