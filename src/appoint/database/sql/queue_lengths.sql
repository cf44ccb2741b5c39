-- Count the entries in the queues across all clinics, up to :limit in each, and return the age of the oldest in
-- seconds.
select (select count(*) from (select from event where parked_at is null limit :limit) as e) as events,
       coalesce((select extract(epoch from now() - created_at)::float8
                   from event
                  where parked_at is null
                  order by id
                  limit 1), 0) as event_lag,
       (select count(*) from (select from event where parked_at is not null limit :limit) as e) as parked_events,
       (select count(*)
          from (select from notification where status = 'dead' and channel = 'email' limit :limit) as n
       ) as dead_email,
       (select count(*)
          from (select from notification where status = 'dead' and channel = 'sms' limit :limit) as n
       ) as dead_sms,
       greatest((select extract(epoch from now() - min(due_at))::float8
                   from notification
                  where status = 'queued' and channel = 'email' and urgent),
                (select extract(epoch from now() - min(due_at))::float8
                   from notification
                  where status = 'queued' and channel = 'email' and not urgent),
                0) as email_lag,
       greatest((select extract(epoch from now() - min(due_at))::float8
                   from notification
                  where status = 'queued' and channel = 'sms' and urgent),
                (select extract(epoch from now() - min(due_at))::float8
                   from notification
                  where status = 'queued' and channel = 'sms' and not urgent),
                0) as sms_lag,
       (select count(*) from webhook where active and failing_since is not null) as failing_webhooks,
       (select count(*) from (select from broker_message where fault is null limit :limit) as b) as broker_messages,
       (select count(*) from job_run where failed_at is not null) as failed_jobs,
       (select count(*) from payment_drift where resolved_at is null) as payment_drifts,
       (select coalesce(sum(violations), 0)::bigint from invariant_violation) as violations,
       a.unsealed, coalesce(extract(epoch from now() - a.oldest)::float8, 0) as unsealed_lag
  from (select count(*) as unsealed, min(at) as oldest
          from (select at from audit_unsealed limit :limit) as u) as a
