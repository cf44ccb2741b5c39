-- A clinic can correct its patients' details, and join several records for the same person.

alter table patient
  -- The clinic's own values, for when it must not change the customer's because the customer has confirmed their
  -- address or another clinic knows them. Null where the customer's value applies.
  add column corrected_name text,
  add column corrected_email text,
  add column corrected_phone text,
  add column corrected_locale text,
  add column corrected_birth_date date,
  -- The record that represents the person, if staff have joined this record with others. That main record names
  -- itself.
  add column main_id uuid,
  add column joined_at timestamptz;

-- Rewriting the table lets the constraints be checked at the same time.
alter table patient
  add column corrected_id uuid
    -- squawk-ignore adding-field-with-default
    generated always as (
      case when num_nonnulls(corrected_name, corrected_email, corrected_phone, corrected_locale,
                             corrected_birth_date) > 0
           then customer_id end) stored,
  -- Like `main_id`, but nil instead of null, so that foreign keys can compare it.
  add column person_id uuid
    -- squawk-ignore adding-field-with-default
    generated always as (coalesce(main_id, '00000000-0000-0000-0000-000000000000')) stored,
  add constraint patient_corrected_name check (corrected_name ~ '\S' and length(corrected_name) <= 200) not valid,
  add constraint patient_corrected_phone check (corrected_phone ~ '^\+[0-9]{4,15}$') not valid,
  add constraint patient_corrected_locale check (corrected_locale in ('en', 'de', 'es', 'fr')) not valid,
  add constraint patient_joined check (num_nulls(main_id, joined_at) in (0, 2)) not valid,
  -- squawk-ignore disallowed-unique-constraint, constraint-missing-not-valid
  add constraint patient_person unique (clinic_id, customer_id, person_id);
alter table patient
  -- An erased customer has no details. Both columns are null in every row.
  -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
  add constraint patient_corrected foreign key (corrected_id) references customer (present_id),
  -- A main record is one of the clinic's, and names itself, so every joined record names its main record directly.
  -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
  add constraint patient_main foreign key (clinic_id, main_id, person_id)
    references patient (clinic_id, customer_id, person_id) deferrable initially deferred;
-- Finds the records joined with a main record. Nearly always empty.
-- squawk-ignore require-concurrent-index-creation
create index if not exists patient_by_main on patient (clinic_id, main_id) where main_id is not null;

-- The clinic's patients, with the clinic's own values. For anyone else, the server sees only whether the customer
-- exists.
create or replace view clinic_customer with (security_barrier) as
  select c.id, c.version, c.created_at, c.updated_at, c.active, c.removed_at,
         coalesce(p.corrected_name, c.name) as name, coalesce(p.corrected_email, c.email) as email,
         coalesce(p.corrected_phone, c.phone) as phone, coalesce(p.corrected_locale, c.locale) as locale, c.time_zone,
         coalesce(p.corrected_birth_date, c.birth_date) as birth_date, c.erased_at, c.present_id,
         case when num_nonnulls(p.corrected_name, p.corrected_email, p.corrected_phone) = 0 then c.words
              else spellings(concat_ws(' ', coalesce(p.corrected_name, c.name), coalesce(p.corrected_email, c.email),
                                       coalesce(p.corrected_phone, c.phone))) end as words
    from patient p
    join customer c on c.id = p.customer_id
   where p.clinic_id = current_clinic();

-- How a clinic reaches a customer: like `customer_channel`, but at the addresses that the clinic has corrected.
create view clinic_channel as
  select k.id as clinic_id, c.id as customer_id, way.channel
    from clinic k
   cross join customer c
    left join patient p on p.clinic_id = k.id and p.customer_id = c.id
   cross join lateral (
     values ('email', coalesce(p.corrected_email, c.email) is not null, true),
            ('sms', coalesce(p.corrected_phone, c.phone) is not null, coalesce(p.corrected_email, c.email) is null)
   ) as way (channel, possible, usual)
    left join notification_preference w on w.customer_id = c.id and w.channel = way.channel
   where c.active and way.possible and coalesce(w.wanted, way.usual);
grant select on clinic_channel to appoint_across;

-- What staff have corrected, with one row for each detail.
create table patient_correction (
  clinic_id integer not null,
  id uuid not null constraint patient_correction_id_of_clinic check (clinic_of(id) = clinic_id),
  detail text not null constraint patient_correction_detail
    check (detail in ('name', 'email', 'phone', 'locale', 'birthDate')),
  customer_id uuid not null,
  created_at timestamptz not null default now(),
  actor text not null,  -- as in the audit log
  old_value text,
  new_value text,
  primary key (clinic_id, id, detail),
  constraint patient_correction_values check (old_value is distinct from new_value),
  constraint patient_correction_patient foreign key (clinic_id, customer_id) references patient (clinic_id, customer_id),
  constraint patient_correction_customer foreign key (customer_id) references customer (present_id)
);
create index patient_correction_by_customer on patient_correction (customer_id, clinic_id);
grant select, insert, delete on patient_correction to appoint_server, appoint_across;
alter table patient_correction enable row level security;
create policy of_clinic on patient_correction to appoint_server using (clinic_id = current_clinic());
create policy across on patient_correction to appoint_across using (true);

-- Registers a customer as a patient at the clinic that the transaction names. Returns their id.
create function add_patient(name text, email text, phone text, locale text, time_zone text, birth_date date)
returns uuid language sql volatile security definer
  begin atomic
    with created as (
      insert into customer (name, email, phone, locale, time_zone, birth_date)
      values (add_patient.name, add_patient.email, add_patient.phone, add_patient.locale, add_patient.time_zone,
              add_patient.birth_date)
      returning id, version
    ), registered as (
      insert into event (clinic_id, type, subject_id, subject_version, data)
      select 0, 'customer.registered', id::text, version, jsonb_build_object('customerId', id) from created
    ), admitted as (
      insert into patient (clinic_id, customer_id) select current_clinic(), id from created
    )
    select id from created;
  end;
revoke execute on function add_patient from public;
grant execute on function add_patient to appoint_server;

-- Corrects a customer's details for the clinic that the transaction names. Changes the customer, unless only the
-- customer may change the details, because they have confirmed an address or another clinic knows them. In that case,
-- it stores the clinic's own values. A null value leaves a detail as the customer has it.
--
-- Locks the customer before reading anything, so that it sees concurrent bookings at other clinics.
create function correct_patient(customer uuid, name text, email text, phone text, locale text, birth_date date)
returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
  clinic constant integer := current_clinic();
begin
  perform from customer c where c.id = correct_patient.customer for update;
  update customer c
     set name = correct_patient.name, email = correct_patient.email, phone = correct_patient.phone,
         locale = correct_patient.locale, birth_date = correct_patient.birth_date,
         version = c.version + 1, updated_at = now()
   where c.id = correct_patient.customer and c.erased_at is null
     and num_nonnulls(c.email_confirmed_at, c.phone_confirmed_at) = 0
     and exists (select from patient p where p.clinic_id = clinic and p.customer_id = c.id)
     and not exists (select from patient p where p.clinic_id <> clinic and p.customer_id = c.id)
     and not exists (select from appointment a where a.customer_id = c.id and a.clinic_id <> clinic)
     and not exists (select from appointment a where a.booker_id = c.id and a.clinic_id <> clinic);
  if found then
    insert into event (clinic_id, type, subject_id, subject_version, data)
    select 0, 'customer.changed', c.id::text, c.version, jsonb_build_object('customerId', c.id, 'active', c.active)
      from customer c
     where c.id = correct_patient.customer;
  end if;
  update patient p
     set corrected_name = nullif(correct_patient.name, c.name),
         corrected_email = nullif(correct_patient.email, c.email),
         corrected_phone = nullif(correct_patient.phone, c.phone),
         corrected_locale = nullif(correct_patient.locale, c.locale),
         corrected_birth_date = nullif(correct_patient.birth_date, c.birth_date),
         version = p.version + 1, updated_at = now()
    from customer c
   where p.clinic_id = clinic and p.customer_id = correct_patient.customer and c.id = p.customer_id;
end $$;
revoke execute on function correct_patient from public;
grant execute on function correct_patient to appoint_server;

-- The address that a code was sent to, if the code confirms a customer's new address instead of signing them in.
alter table sign_in_code
  add column new_address text;

alter table appointment
  -- The patient's `person_id`; nil if their record is not joined with others.
  add column person_id uuid not null default '00000000-0000-0000-0000-000000000000';
alter table appointment
  -- From now on, an appointment must also have its patient's `person_id`. It is nil in every row.
  -- squawk-ignore ban-drop-constraint
  drop constraint is_patient,
  add constraint is_patient foreign key (clinic_id, patient_id, person_id)
    references patient (clinic_id, customer_id, person_id) deferrable initially deferred not valid,
  -- Like `customer_free`, but for all of a person's records. The index contains only appointments under joined
  -- records, so it is empty at first.
  -- squawk-ignore constraint-missing-not-valid
  add constraint person_free exclude using gist (clinic_id with =, person_id with =, customer_during with &&)
    where (person_id <> '00000000-0000-0000-0000-000000000000');
-- Finds a person's appointments under all of their records. Empty at first.
-- squawk-ignore require-concurrent-index-creation
create index if not exists appointment_by_person on appointment (clinic_id, person_id, lower(during))
  where person_id <> '00000000-0000-0000-0000-000000000000';

-- Returns the `person_id` for a customer's next appointment at a clinic, or null if they are not a patient there.
--
-- Waits for a concurrent change to the record and returns the new value, and then locks it, so that records cannot be
-- joined before the caller's appointment is visible. It is a security definer because the booking statement does not
-- name a clinic.
create function lock_person(clinic integer, customer uuid) returns uuid
  language sql volatile security definer
  begin atomic
    select p.person_id
      from patient p
     where p.clinic_id = lock_person.clinic and p.customer_id = lock_person.customer
       for key share;
  end;
revoke execute on function lock_person from public;
grant execute on function lock_person to appoint_server, appoint_across;

-- Returns the customers whose records a clinic has joined with a customer's, including the customer.
create function customers_joined(clinic integer, customer uuid) returns setof uuid
  language sql stable security definer rows 1
  begin atomic
    select customers_joined.customer
     union
    select other.customer_id
      from patient own
      join patient other on other.clinic_id = own.clinic_id and other.main_id = own.main_id
     where own.clinic_id = customers_joined.clinic and own.customer_id = customers_joined.customer;
  end;
revoke execute on function customers_joined from public;
grant execute on function customers_joined to appoint_server, appoint_across;

-- As before, but counts the appointments under all joined records.
create or replace function fits_caps(clinic integer, customer uuid, more bigint, more_held bigint, most integer,
                                     most_held integer, since timestamptz)
returns boolean language plpgsql as $$
declare
  person uuid := nullif(lock_person(clinic, customer), '00000000-0000-0000-0000-000000000000');
begin
  perform pg_advisory_xact_lock(hashtextextended(coalesce(person, customer)::text, clinic));
  return (select count(*) + more <= most
                 and (more_held = 0 or count(*) filter (where status = 'pending') + more_held <= most_held)
            -- uses appointment_by_customer: the planner thinks customer_free is cheap, but it has ten times the pages
            from (select clinic_id, status, active_during
                    from appointment
                   where customer_id = customer and lower(during) >= since
                   union all
                  select clinic_id, status, active_during
                    from appointment
                   where clinic_id = clinic and person_id = person and customer_id <> customer
                     and person_id <> '00000000-0000-0000-0000-000000000000' and lower(during) >= since
                  offset 0) to_come
           where clinic_id = clinic and active_during is not null);
end $$;
