-- Lets staff undo their steps, including moves and bulk changes. Also stores when patients arrived and entered the
-- room, and staff's own notes.

alter table appointment
  add column step_id uuid,  -- the clinic's last step, unless something else has happened since
  add column arrived_at timestamptz,
  add column in_room_at timestamptz,
  add column staff_notes text,
  -- After an undo, the sequence before the step, because what the patient was told then is true again.
  add column restored_sequence integer,
  -- The checks scan columns that are still null in every row, or accept more than before.
  -- squawk-ignore constraint-missing-not-valid
  add constraint appointment_step_of_clinic check (clinic_of(step_id) = clinic_id),
  -- squawk-ignore constraint-missing-not-valid
  add constraint appointment_restored_sequence check (restored_sequence >= 0);

-- Staff can record visits after they have happened.
-- squawk-ignore ban-drop-constraint
alter table appointment drop constraint appointment_overridden;
alter table appointment add constraint appointment_overridden check (
  overridden <@ '{too-soon,too-far,outside-hours,customer-busy,too-late,in-the-past}'::text[]) not valid;

update appointment set arrived_at = stepped_at where status in ('arrived', 'checked-in') and stepped_at is not null;

-- Appointments as they were before a step. A step is a single action by the clinic's staff, which can move, cancel or
-- change the status of several appointments at once. Rows are kept for two days.
create table appointment_step (
  clinic_id integer not null,
  step_id uuid not null constraint appointment_step_id_of_clinic check (clinic_of(step_id) = clinic_id),
  appointment_id uuid not null,
  taken_at timestamptz not null,
  version integer not null,  -- the appointment's version after the step
  undone_version integer constraint appointment_step_undone check (undone_version > version),
  status text not null constraint appointment_step_status check (
    status in ('booked', 'arrived', 'checked-in', 'fulfilled', 'cancelled', 'noshow')),
  moved boolean not null,
  doctor_id uuid not null,
  during tstzrange not null,
  claimed tstzrange not null constraint appointment_step_claim_covers check (claimed @> during),
  overridden text[] not null,
  override_reason text,
  needs_rebooking boolean not null,
  arrived_at timestamptz,
  in_room_at timestamptz,
  rescheduled_at timestamptz,
  sequence integer not null constraint appointment_step_sequence check (sequence >= 0),
  restored_sequence integer,
  primary key (clinic_id, step_id, appointment_id),
  constraint appointment_step_of foreign key (clinic_id, appointment_id) references appointment (clinic_id, id)
    on delete cascade,
  constraint appointment_step_doctor foreign key (clinic_id, doctor_id) references doctor (clinic_id, id)
);
create index appointment_step_by_appointment on appointment_step (clinic_id, appointment_id);
create index appointment_step_age on appointment_step (taken_at);
grant select, insert, update, delete on appointment_step to appoint_server, appoint_across;

create or replace view shown_appointment as
select a.clinic_id, a.id, a.booking_id, a.position, a.booker_id, a.doctor_id, a.customer_id, a.appointment_type_id,
       lower(a.during) as start_time, upper(a.during) as end_time, c.time_zone, a.status, a.hold_expires_at,
       a.cancel_reason, a.needs_rebooking, a.price_amount, a.price_currency, a.notes, a.version, a.created_at,
       a.updated_at, a.claimed, a.overridden as overrides, a.override_reason, a.cancel_cause,
       case when a.status in ('arrived', 'checked-in', 'fulfilled') then a.arrived_at end as arrived_at,
       case when a.status in ('checked-in', 'fulfilled') then a.in_room_at end as in_room_at, a.staff_notes,
       case when a.undo_status is not null then a.step_id end as step_id, a.stepped_at
  from appointment a
  join clinic c on c.id = a.clinic_id;
