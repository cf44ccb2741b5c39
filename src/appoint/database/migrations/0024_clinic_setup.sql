-- Which steps of a clinic's set-up a manager has ticked off. For the other steps, Appoint can tell from the clinic's
-- own data.
create table clinic_setup_step (
  clinic_id integer not null constraint clinic_setup_step_of references clinic (id),
  step text not null
    constraint clinic_setup_step_known check (step in ('page', 'team', 'site', 'hidden')),  -- hidden: the whole list
  done_at timestamptz not null default now(),
  primary key (clinic_id, step)
);
grant select, insert, delete on clinic_setup_step to appoint_server, appoint_across;

-- Clinics that are already running don't need the list.
insert into clinic_setup_step (clinic_id, step) select id, 'hidden' from clinic;
