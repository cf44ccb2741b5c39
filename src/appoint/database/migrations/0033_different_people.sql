-- Similar records that a clinic's staff have marked as different people, such as twins. They are no longer suggested.
create table patient_difference (
  clinic_id integer not null,
  customer_id uuid not null,
  other_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (clinic_id, customer_id, other_id),
  constraint patient_difference_order check (customer_id < other_id),  -- one row for each pair
  constraint patient_difference_customer foreign key (clinic_id, customer_id)
    references patient (clinic_id, customer_id) on delete cascade,
  constraint patient_difference_other foreign key (clinic_id, other_id)
    references patient (clinic_id, customer_id) on delete cascade
);
create index patient_difference_by_other on patient_difference (clinic_id, other_id);
grant select, insert, delete on patient_difference to appoint_server, appoint_across;
alter table patient_difference enable row level security;
create policy of_clinic on patient_difference to appoint_server using (clinic_id = current_clinic());
create policy across on patient_difference to appoint_across using (true);
