-- What the worker has to bill for appointments, and how it has settled those that were cancelled or missed.

-- An appointment at a clinic with a payment policy. Events make it due; a job then compares its bill with its status.
create table appointment_bill (
  clinic_id integer not null,
  appointment_id uuid not null,
  due_at timestamptz,  -- when the job should look at it; null once it has
  ended_at timestamptz,  -- when the appointment was cancelled
  -- set once a cancelled or missed appointment has been settled, so that this happens once
  settled_as text constraint appointment_bill_settled_as check (settled_as in ('cancellation', 'noShow')),
  settled_at timestamptz,
  currency text constraint appointment_bill_currency check (currency ~ '^[A-Z]{3}$'),
  paid bigint constraint appointment_bill_paid check (paid >= 0),
  kept bigint constraint appointment_bill_kept check (kept >= 0),  -- what the patient pays in the end
  returned bigint constraint appointment_bill_returned check (returned between 0 and paid),
  refund_to text constraint appointment_bill_refund_to check (refund_to in ('credit', 'method', 'ask')),
  primary key (clinic_id, appointment_id),
  constraint appointment_bill_settled
    check (num_nonnulls(settled_as, settled_at, currency, paid, kept, returned, refund_to) in (0, 7)),
  constraint appointment_bill_appointment foreign key (clinic_id, appointment_id)
    references appointment (clinic_id, id)
);
create index appointment_bill_due on appointment_bill (due_at) where due_at is not null;
grant select, insert, update on appointment_bill to appoint_server, appoint_across;
alter table appointment_bill enable row level security;
create policy of_clinic on appointment_bill to appoint_server using (clinic_id = current_clinic());
create policy across on appointment_bill to appoint_across using (true);

-- Refunds that settle an appointment. `notice_minutes` and `keep_percent` are the line of the policy that decided.
alter table refund
  add column appointment_id uuid,
  -- The column is still null in every row.
  -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
  add constraint refund_appointment foreign key (clinic_id, appointment_id) references appointment (clinic_id, id);
