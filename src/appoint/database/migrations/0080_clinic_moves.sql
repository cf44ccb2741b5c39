-- A clinic is at home in the cell that has its row in `clinic`. Moving the clinic locks that row, and the locks that
-- foreign keys take make each change wait: all changes write an event or an audit entry in the same transaction. Once
-- the row is gone, they fail. Entries of the platform itself, whose clinic is 0, refer to no clinic.
-- Both tables are queues, so rewriting and checking them is quick.
alter table event
  -- squawk-ignore adding-field-with-default
  add column of_clinic_id integer generated always as (case when clinic_id > 0 then clinic_id end) stored,
  -- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
  add constraint event_of_clinic foreign key (of_clinic_id) references clinic;
alter table audit_unsealed
  -- squawk-ignore adding-field-with-default
  add column of_clinic_id integer generated always as (case when clinic_id > 0 then clinic_id end) stored,
  -- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
  add constraint audit_unsealed_of_clinic foreign key (of_clinic_id) references clinic;

-- Clinics that have left this cell, until the command that moves them has finished.
create table clinic_move (
  clinic_id integer primary key constraint clinic_move_clinic check (clinic_id > 0),
  cell smallint not null constraint clinic_move_cell references cell,
  clinic jsonb not null constraint clinic_move_row check ((clinic ->> 'id')::integer = clinic_id),
  moved_at timestamptz not null default now()
);
grant select on clinic_move to appoint_across;
