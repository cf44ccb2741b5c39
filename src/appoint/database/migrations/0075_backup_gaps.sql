-- Periods that no backup can restore: from the last stored change until the next base backup.

create table backup_gap (
  began_at timestamptz primary key,
  -- only one gap at a time can be open
  ended_at timestamptz constraint backup_gap_ended_at unique nulls not distinct
                       constraint backup_gap_order check (ended_at > began_at)
);

-- Only workers write it. It contains no personal data, so there is no row security.
grant select, insert, update, delete on backup_gap to appoint_across;
