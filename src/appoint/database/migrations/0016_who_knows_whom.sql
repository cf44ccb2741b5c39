-- Clinics can see only their own patients, and doctors can see a colleague's patient only in an emergency.

-- A hold no longer makes the customer a patient, so an appointment needs only a customer while it is on hold, and a
-- patient once it is booked.
-- squawk-ignore ban-drop-constraint
alter table appointment drop constraint is_patient;

-- Delete the records of patients who only ever had abandoned holds.
delete from patient p
 where num_nonnulls(p.record_number, p.notes) = 0
   and exists (select from appointment a where a.customer_id = p.customer_id and a.clinic_id = p.clinic_id)
   and not exists (select from appointment a
                    where a.clinic_id = p.clinic_id and not a.only_held
                      and (a.customer_id = p.customer_id or a.booker_id = p.customer_id));

alter table appointment
  -- Null for holds, including expired ones that were never confirmed. Adding the column rewrites the table anyway, so
  -- checking the constraints at the same time doesn't lengthen the lock.
  add column patient_id uuid
    -- squawk-ignore adding-field-with-default
    generated always as (case when status <> 'pending' and not only_held then customer_id end) stored,
  -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
  add constraint is_patient foreign key (clinic_id, patient_id) references patient (clinic_id, customer_id)
    deferrable initially deferred,
  -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
  add constraint appointment_customer foreign key (customer_id) references customer (id);

-- Finds a person's records at all clinics. Deleting a person needs this too.
-- squawk-ignore require-concurrent-index-creation
create index if not exists patient_by_customer on patient (customer_id);

-- A doctor's emergency access to a colleague's patient, with the doctor's reason.
create table emergency_access (
  clinic_id integer not null,
  id uuid not null constraint emergency_access_id_of_clinic check (clinic_of(id) = clinic_id),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  doctor_id uuid not null,
  customer_id uuid not null,
  reason text not null constraint emergency_access_reason check (reason ~ '\S' and length(reason) <= 200),
  expires_at timestamptz not null,
  reviewed_at timestamptz,
  reviewer text,  -- as in the audit log
  primary key (clinic_id, id),
  constraint emergency_access_doctor foreign key (clinic_id, doctor_id) references doctor (clinic_id, id),
  constraint emergency_access_customer foreign key (customer_id) references customer (id),
  constraint emergency_access_reviewed check (num_nulls(reviewed_at, reviewer) in (0, 2))
);
create index emergency_access_by_customer on emergency_access (customer_id, clinic_id);
grant select, insert, update, delete on emergency_access to appoint_server, appoint_across;
alter table emergency_access enable row level security;
create policy of_clinic on emergency_access to appoint_server using (clinic_id = current_clinic());
create policy across on emergency_access to appoint_across using (true);

-- Returns the doctors who have emergency access to a patient at a given time. The guard calls this before the
-- transaction names a clinic.
create function emergency_doctors(clinic integer, customer uuid, at timestamptz) returns setof uuid
  language sql stable security definer
  begin atomic
    select e.doctor_id
      from emergency_access e
     where e.clinic_id = clinic and e.customer_id = customer and e.expires_at > at;
  end;
revoke execute on function emergency_doctors from public;
grant execute on function emergency_doctors to appoint_server, appoint_across;

-- A clinic's notes about an erased customer stay for as long as the clinic has to keep them.
alter table patient
  add column outlives_customer boolean not null default false;
alter table patient
  alter column noted_id set expression as
    (case when num_nonnulls(record_number, notes) > 0 and not outlives_customer then customer_id end);
