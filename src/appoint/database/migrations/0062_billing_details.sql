-- Details of both parties for invoices: the clinic as their issuer, and its patients' postal addresses.

create table seller (
  clinic_id integer not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text constraint seller_name check (name ~ '\S' and length(name) <= 200),
  address text constraint seller_address check (address ~ '\S' and length(address) <= 500),
  vat_id text constraint seller_vat_id check (vat_id ~ '^[A-Z]{2}[A-Z0-9]{2,18}$'),
  tax_number text constraint seller_tax_number check (tax_number ~ '\S' and length(tax_number) <= 50),
  registration text constraint seller_registration check (registration ~ '\S' and length(registration) <= 200),
  account_holder text constraint seller_account_holder check (account_holder ~ '\S' and length(account_holder) <= 200),
  iban text constraint seller_iban check (iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'),
  bic text constraint seller_bic check (bic ~ '^[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$'),
  primary key (clinic_id),
  constraint seller_account check (iban is not null or num_nonnulls(account_holder, bic) = 0),
  constraint seller_clinic foreign key (clinic_id) references clinic (id)
);
grant select, insert, update on seller to appoint_server, appoint_across;
alter table seller enable row level security;
create policy of_clinic on seller to appoint_server using (clinic_id = current_clinic());
create policy across on seller to appoint_across using (true);

alter table customer
  add column postal_address text constraint customer_postal_address
    check (postal_address is null or (postal_address ~ '\S' and length(postal_address) <= 500 and erased_at is null));
alter table patient
  add column corrected_postal_address text;
-- squawk-ignore constraint-missing-not-valid
alter table patient add constraint patient_corrected_postal_address
  check (corrected_postal_address ~ '\S' and length(corrected_postal_address) <= 500);
-- Rewrites the table, which is small: it has one row for each patient.
alter table patient alter column corrected_id set expression as (
  case when num_nonnulls(corrected_name, corrected_email, corrected_phone, corrected_locale, corrected_birth_date,
                         corrected_postal_address) > 0 then customer_id end);
-- squawk-ignore ban-drop-constraint
alter table patient_correction drop constraint patient_correction_detail;
-- squawk-ignore constraint-missing-not-valid
alter table patient_correction add constraint patient_correction_detail
  check (detail in ('name', 'email', 'phone', 'locale', 'birthDate', 'postalAddress'));

create or replace view clinic_customer with (security_barrier) as
  select c.id, c.version, c.created_at, c.updated_at, c.active, c.removed_at,
         coalesce(p.corrected_name, c.name) as name, coalesce(p.corrected_email, c.email) as email,
         coalesce(p.corrected_phone, c.phone) as phone, coalesce(p.corrected_locale, c.locale) as locale, c.time_zone,
         coalesce(p.corrected_birth_date, c.birth_date) as birth_date, c.erased_at, c.present_id,
         case when num_nonnulls(p.corrected_name, p.corrected_email, p.corrected_phone) = 0 then c.words
              else spellings(concat_ws(' ', coalesce(p.corrected_name, c.name), coalesce(p.corrected_email, c.email),
                                       coalesce(p.corrected_phone, c.phone))) end as words,
         coalesce(p.corrected_postal_address, c.postal_address) as postal_address
    from patient p
    join customer c on c.id = p.customer_id
   where p.clinic_id = current_clinic();

-- The same functions with a postal address. The previous release still calls those without one.
create function add_patient(name text, email text, phone text, locale text, time_zone text, birth_date date,
                            postal_address text)
returns uuid language sql volatile security definer
  begin atomic
    with created as (
      insert into customer (name, email, phone, locale, time_zone, birth_date, postal_address)
      values (add_patient.name, add_patient.email, add_patient.phone, add_patient.locale, add_patient.time_zone,
              add_patient.birth_date, add_patient.postal_address)
      returning id, version
    ), registered as (
      insert into event (clinic_id, type, subject_id, subject_version, data)
      select 0, 'customer.registered', id::text, version, jsonb_build_object('customerId', id) from created
    ), admitted as (
      insert into patient (clinic_id, customer_id) select current_clinic(), id from created
    )
    select id from created;
  end;
revoke execute on function add_patient(text, text, text, text, text, date, text) from public;
grant execute on function add_patient(text, text, text, text, text, date, text) to appoint_server;

create function correct_patient(customer uuid, name text, email text, phone text, locale text, birth_date date,
                                postal_address text)
returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
  clinic constant integer := current_clinic();
begin
  perform from customer c where c.id = correct_patient.customer for update;
  update customer c
     set name = correct_patient.name, email = correct_patient.email, phone = correct_patient.phone,
         locale = correct_patient.locale, birth_date = correct_patient.birth_date,
         postal_address = correct_patient.postal_address, version = c.version + 1, updated_at = now()
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
         corrected_postal_address = nullif(correct_patient.postal_address, c.postal_address),
         version = p.version + 1, updated_at = now()
    from customer c
   where p.clinic_id = clinic and p.customer_id = correct_patient.customer and c.id = p.customer_id;
end $$;
revoke execute on function correct_patient(uuid, text, text, text, text, date, text) from public;
grant execute on function correct_patient(uuid, text, text, text, text, date, text) to appoint_server;

-- Receipts, frozen when they are first drawn or shown, with their PDFs. Row-level security stops the application from
-- replacing or deleting what it has drawn.
create table receipt (
  clinic_id integer not null,
  payment_id uuid not null,
  created_at timestamptz not null default now(),
  due_at timestamptz not null default now(),  -- when the worker draws it, or tries again
  document jsonb constraint receipt_document check (jsonb_typeof(document) = 'object'),
  hash text,
  content bytea constraint receipt_size check (octet_length(content) between 1 and 16777216),
  primary key (clinic_id, payment_id),
  constraint receipt_drawn check ((hash is null) = (content is null) and (content is null or document is not null)),
  constraint receipt_hash check (hash = encode(sha256(content), 'hex')),
  constraint receipt_payment foreign key (clinic_id, payment_id) references payment (clinic_id, id)
);
create index receipt_to_draw on receipt (due_at) where content is null;
grant select, insert, update (due_at, document, hash, content) on receipt to appoint_server, appoint_across;
alter table receipt enable row level security;
create policy of_clinic on receipt for select to appoint_server using (clinic_id = current_clinic());
create policy added on receipt for insert to appoint_server with check (clinic_id = current_clinic());
create policy drawn on receipt for update to appoint_server
  using (clinic_id = current_clinic() and content is null) with check (clinic_id = current_clinic());
create policy across on receipt for select to appoint_across using (true);
create policy added_across on receipt for insert to appoint_across with check (true);
create policy drawn_across on receipt for update to appoint_across using (content is null) with check (true);
