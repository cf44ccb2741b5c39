-- What the nightly check of all data has found, for the metrics.

create table invariant_violation (
  clinic_id integer not null constraint invariant_violation_clinic check (clinic_id >= 0), -- 0 is the platform
  invariant text not null constraint invariant_violation_name check (invariant ~ '^[a-z]+(-[a-z]+)*$'),
  violations integer not null constraint invariant_violation_count check (violations > 0),
  found_at timestamptz not null,
  primary key (clinic_id, invariant)
);
grant select, insert, update, delete on invariant_violation to appoint_across;
