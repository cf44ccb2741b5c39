-- One job mechanism: nightly jobs are rows with leases, just like notifications and webhooks. PgQueuer is removed.

-- A nightly job's next run. One worker leases the row for as long as it runs the job.
create table job_run (
  name text primary key,
  due_at timestamptz not null,
  leased_until timestamptz,
  attempts smallint not null default 0 constraint job_run_attempts check (attempts >= 0),
  finished_at timestamptz,
  failed_at timestamptz, -- after the last attempt, until the job succeeds
  reason text,
  constraint job_run_reason check (failed_at is null or reason is not null)
);
grant select, insert, update, delete on job_run to appoint_across;

-- Nothing that was queued is lost:
-- * Each queued notification is a row in `notification` with a lease. If it had a job, its lease expires within a
--   minute, and this version's workers then take it.
-- * A nightly job keeps the time of its next run. If it was queued or running, that time has passed, so the first
--   worker runs it immediately. If it had failed, it counts as failed until it succeeds.
insert into job_run (name, due_at, failed_at, reason)
select entrypoint, coalesce(min(due_at), now()), max(failed_at),
       case when max(failed_at) is not null then 'failed before the upgrade' end
  from (select entrypoint, next_run as due_at, null::timestamptz as failed_at from jobs.pgqueuer_schedules
        union all
        select entrypoint, case when status <> 'failed' then execute_after end,
               case when status = 'failed' then updated end
          from jobs.pgqueuer
         where status in ('queued', 'picked', 'failed')) as job
 where entrypoint in ('publish-slots', 'forget-requests', 'forget-codes', 'forget-events', 'forget-sessions',
                      'forget-people')
 group by entrypoint;

-- squawk-ignore ban-drop-schema
drop schema jobs cascade;
