-- Access control: people who sign in, partners' API keys, the audit log of every change and every access, and the
-- database's own roles.
--
-- Released migrations are never changed, and this one predates the rules that it breaks (locks on large tables):
-- squawk-ignore-file adding-field-with-default, adding-foreign-key-constraint, ban-drop-constraint
-- squawk-ignore-file constraint-missing-not-valid, disallowed-unique-constraint, require-concurrent-index-creation

-- Servers act as roles that do not own anything. `appoint_server` sees only the people of the clinic that its
-- transaction names. `appoint_across` is for the worker and for the listed statements that span clinics. Only
-- `appoint_sealer` can take audit entries from the queue of unsealed ones.
do $$
declare wanted text;
begin
  foreach wanted in array array['appoint_server', 'appoint_across', 'appoint_sealer'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception
        when duplicate_object or unique_violation then null;  -- another database's migration got there first
        when insufficient_privilege then
          raise exception 'The role % is missing, and % may not make it. '
            'As a superuser: create role % nologin; grant % to % with admin option',
            wanted, current_user, wanted, wanted, current_user;
      end;
    end if;
    if not pg_has_role(current_user, wanted, 'set') then
      execute format('grant %I to current_user', wanted);
    end if;
  end loop;
end $$;

-- The clinic that the transaction names, or null.
create function current_clinic() returns integer language sql stable parallel safe
  return nullif(current_setting('appoint.clinic_id', true), '')::integer;

-- Erasing a customer leaves an empty row for appointments to refer to. Personal data refers to `present_id`, which is
-- null for an erased customer, so the database refuses to store personal data about them.
alter table customer
  add column erased_at timestamptz,
  add column present_id uuid generated always as (case when erased_at is null then id end) stored
    constraint customer_present unique,
  add constraint customer_erased
    check (erased_at is null or (not active and name = '(erased)'
                                 and num_nonnulls(email, phone, locale, time_zone, birth_date) = 0));
alter table patient
  add column noted_id uuid
    generated always as (case when num_nonnulls(record_number, notes) > 0 then customer_id end) stored,
  add constraint patient_noted foreign key (noted_id) references customer (present_id);
alter table notification_preference
  drop constraint notification_preference_customer,
  add constraint notification_preference_customer foreign key (customer_id) references customer (present_id);

-- Returns whether the customer may have `more` additional appointments and `more_held` additional holds at the clinic.
-- Concurrent calls for one customer queue here. The function is volatile, so after waiting it sees what the other
-- calls wrote, even though the statement that calls it does not.
create function fits_caps(clinic integer, customer uuid, more bigint, more_held bigint, most integer, most_held integer,
                          since timestamptz)
returns boolean language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(customer::text, clinic));
  return (select count(*) + more <= most
                 and (more_held = 0 or count(*) filter (where status = 'pending') + more_held <= most_held)
            -- uses appointment_by_customer: the planner thinks customer_free is cheap, but it has ten times the pages
            from (select clinic_id, status, active_during
                    from appointment
                   where customer_id = customer and lower(during) >= since
                  offset 0) to_come
           where clinic_id = clinic and active_during is not null);
end $$;

create table app_user (
  id uuid primary key default uuidv7(),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  active boolean not null default true,
  removed_at timestamptz,
  name text not null constraint app_user_name check (name ~ '\S' and length(name) <= 200),
  email text not null constraint app_user_email_form check (email = lower(email) and length(email) <= 254),
  active_email text generated always as (case when active then email end) stored constraint app_user_email unique,
  locale text constraint app_user_locale check (locale in ('en', 'de', 'es', 'fr')),
  password_hash text,  -- null: has not accepted the invitation yet
  credentials integer not null default 1,  -- increases with every password change, which invalidates emailed links
  totp_secret bytea,  -- encrypted
  totp_confirmed_at timestamptz,
  totp_step bigint,  -- the step of the last code, which cannot be used twice
  administrator boolean not null default false,  -- of the platform
  constraint app_user_removed check (active = (removed_at is null)),
  constraint app_user_totp check (totp_secret is not null or num_nonnulls(totp_confirmed_at, totp_step) = 0)
);

create table membership (
  clinic_id integer not null,
  user_id uuid not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  role text not null constraint membership_role check (role in ('manager', 'receptionist', 'doctor')),
  doctor_id uuid,
  -- the clinic's name for this user; null: the user's own
  name text constraint membership_name check (name ~ '\S' and length(name) <= 200),
  joined_at timestamptz,  -- the first sign-in after the invitation
  primary key (clinic_id, user_id),
  constraint membership_clinic foreign key (clinic_id) references clinic (id),
  constraint membership_user foreign key (user_id) references app_user (id),
  constraint membership_doctor foreign key (clinic_id, doctor_id) references doctor (clinic_id, id),
  constraint membership_of_doctor check (role <> 'doctor' or doctor_id is not null)
);
create index membership_by_user on membership (user_id);

-- A staff member's or a patient's session.
create table session (
  id uuid primary key default uuidv7(),
  token_hash bytea not null constraint session_token unique
    constraint session_token_hash check (length(token_hash) = 32),
  user_id uuid,
  customer_id uuid,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint session_of_one check (num_nonnulls(user_id, customer_id) = 1),
  constraint session_user_of foreign key (user_id) references app_user (id) on delete cascade,
  constraint session_customer foreign key (customer_id) references customer (present_id)
);
create index session_by_user on session (user_id) where user_id is not null;
create index session_by_customer on session (customer_id) where customer_id is not null;
create index session_expires on session (expires_at);

-- A sign-in code that was sent to an address, for the customers with that address. Only the message contains the code
-- itself.
create table sign_in_code (
  id uuid primary key default uuidv7(),
  created_at timestamptz not null default now(),
  channel text not null constraint sign_in_code_channel check (channel in ('email', 'sms')),
  customer_ids uuid[] not null,
  attempts smallint not null default 0 constraint sign_in_code_attempts check (attempts between 0 and 5),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index sign_in_code_expires on sign_in_code (expires_at);

create table api_key (
  clinic_id integer not null,
  id uuid not null constraint api_key_id_of_clinic check (clinic_of(id) = clinic_id),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  active boolean not null default true,
  removed_at timestamptz,
  name text not null constraint api_key_name check (name ~ '\S' and length(name) <= 200),
  scopes text[] not null
    constraint api_key_scopes check (cardinality(scopes) > 0 and array_position(scopes, null) is null),
  secret_hash bytea not null constraint api_key_secret check (length(secret_hash) = 32),
  old_secret_hash bytea constraint api_key_old_secret_hash check (length(old_secret_hash) = 32),
  old_secret_until timestamptz,
  expires_at timestamptz,
  requests_per_minute integer constraint api_key_requests check (requests_per_minute > 0),
  last_used_at timestamptz,
  primary key (clinic_id, id),
  constraint api_key_clinic foreign key (clinic_id) references clinic (id),
  constraint api_key_removed check (active = (removed_at is null)),
  constraint api_key_old_secret check (num_nulls(old_secret_hash, old_secret_until) in (0, 2))
);

-- Notifications about user accounts do not belong to a clinic, except for invitations, which belong to
-- the clinic that sends them.
alter table notification
  add column of_clinic_id integer generated always as (case when clinic_id > 0 then clinic_id end) stored,
  drop constraint notification_clinic,
  add constraint notification_clinic foreign key (of_clinic_id) references clinic (id),
  drop constraint notification_recipient,
  add constraint notification_recipient check (recipient in ('customer', 'doctor', 'staff', 'user'));

-- Staff may override some booking rules, with a reason. An appointment that overrides customer-busy is exempt from
-- customer_free.
alter table appointment
  add column overridden text[] not null default '{}'
    constraint appointment_overridden
      check (overridden <@ array['too-soon', 'too-far', 'outside-hours', 'customer-busy', 'too-late']),
  add column override_reason text,
  add column customer_during tstzrange generated always as
    (case when status not in ('cancelled', 'noshow') and not 'customer-busy' = any(overridden) then during end) stored,
  add constraint appointment_override check ((overridden = '{}') = (override_reason is null)),
  drop constraint customer_free,
  add constraint customer_free unique (clinic_id, customer_id, customer_during without overlaps);
create index appointment_beside on appointment (clinic_id, customer_id) where 'customer-busy' = any(overridden);

create or replace view shown_appointment as
  select a.clinic_id, a.id, a.booking_id, a.position, a.booker_id, a.doctor_id, a.customer_id, a.appointment_type_id,
         lower(a.during) as start_time, upper(a.during) as end_time, c.time_zone, a.status, a.hold_expires_at,
         a.cancel_reason, a.needs_rebooking, a.price_amount, a.price_currency, a.notes, a.version, a.created_at,
         a.updated_at, a.claimed, a.overridden as overrides, a.override_reason
    from appointment a
    join clinic c on c.id = a.clinic_id;

-- Finds customers by their exact address.
create index customer_by_email on customer (lower(email)) where active and email is not null;
create index customer_by_phone on customer (phone) where active and phone is not null;

-- The audit log: every change and every access to personal data, written along with the change itself, in no
-- particular order. A worker seals entries: it numbers them and chains each hash to the one before. Entries contain
-- ids and no other personal data.
create table audit_unsealed (
  clinic_id integer not null constraint audit_unsealed_clinic check (clinic_id >= 0),  -- 0: the platform
  id uuid not null default uuidv7(),
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subjects text[] not null default '{}',
  address text,
  request_id text,
  reason text,
  primary key (clinic_id, id)
);

create table audit_entry (
  clinic_id integer not null constraint audit_entry_clinic check (clinic_id >= 0),
  position bigint not null constraint audit_entry_position check (position > 0),
  id uuid not null,
  at timestamptz not null,
  actor text not null,
  action text not null,
  subjects text[] not null,
  address text,
  request_id text,
  reason text,
  hash bytea not null constraint audit_entry_hash check (length(hash) = 32),
  primary key (clinic_id, position),
  constraint audit_entry_once unique (clinic_id, id)
);

create index audit_entry_subjects on audit_entry using gin (subjects);  -- finds all entries about a person

create table audit_head (
  clinic_id integer primary key constraint audit_head_clinic check (clinic_id >= 0),
  position bigint not null constraint audit_head_position check (position >= 0),
  hash bytea not null constraint audit_head_hash check (length(hash) = 32),
  sealed_at timestamptz not null,
  public_key text not null,
  signature text not null
);

alter table dev_message
  add column customer_id uuid constraint dev_message_customer references customer (present_id);
create index appointment_by_booker on appointment (booker_id) where booker_id is not null;
create index notification_by_customer on notification (recipient_id) where recipient = 'customer';

-- How long a clinic keeps former patients' data, and messages it has sent.
alter table clinic
  add column retain_patients_months smallint
    constraint clinic_retain_patients check (retain_patients_months between 1 and 600),
  add column retain_messages_days smallint not null default 365
    constraint clinic_retain_messages check (retain_messages_days between 1 and 3650);

-- Unless its transaction names a clinic, the server sees only whether a customer exists.
create view clinic_customer with (security_barrier) as
  select c.* from customer c
   where exists (select from patient p where p.clinic_id = current_clinic() and p.customer_id = c.id);

-- Returns the owner of a session's token, with all memberships, in one statement. The server cannot read other
-- people's sessions.
create function signed_in(hash bytea, at timestamptz, idle interval)
  returns table (session_id uuid, user_id uuid, customer_id uuid, administrator boolean, seen_at timestamptz,
                 memberships text)
  language sql stable security definer
  begin atomic
    select s.id, s.user_id, s.customer_id, coalesce(u.administrator, false), s.seen_at,
           coalesce((select json_agg(json_build_object('clinic_id', m.clinic_id, 'role', m.role,
                                                       'doctor_id', m.doctor_id))
                       from membership m
                      where m.user_id = s.user_id
                        -- a doctor who has left no longer works there
                        and (m.role <> 'doctor'
                             or exists (select from doctor d
                                         where d.clinic_id = m.clinic_id and d.id = m.doctor_id and d.active))),
                    '[]')::text
      from session s
      left join app_user u on u.id = s.user_id
      left join customer c on c.id = s.customer_id
     where s.token_hash = hash
       and s.expires_at > at
       and s.seen_at > at - idle
       and (u.active or c.active);
  end;
revoke execute on function signed_in from public;

grant usage on schema public to appoint_server, appoint_across, appoint_sealer;
grant usage on schema jobs to appoint_across;
grant select, insert, update, delete on all tables in schema public to appoint_server, appoint_across;
grant select, insert, update, delete on all tables in schema jobs to appoint_across;
grant usage on all sequences in schema public to appoint_server, appoint_across;
grant usage on all sequences in schema jobs to appoint_across;
revoke all on schema_migration from appoint_server, appoint_across;  -- everyone can still read it, as public

revoke select, insert, update, delete on customer from appoint_server;
grant select (id, present_id, version, active, removed_at, erased_at, created_at, updated_at), update (version)
  on customer to appoint_server;
grant select on clinic_customer to appoint_server, appoint_across;
revoke insert, update, delete on clinic_customer, customer_channel, shown_appointment
  from appoint_server, appoint_across;

grant execute on function signed_in to appoint_server, appoint_across;
revoke select, insert, update, delete on app_user, session from appoint_server;
grant select (id, version, created_at, updated_at, active, removed_at, name, email, active_email, locale, credentials),
      insert (name, email, locale)
  on app_user to appoint_server;
grant select (id, seen_at), update (seen_at) on session to appoint_server;
revoke select, insert, update, delete on sign_in_code from appoint_server;

revoke all on audit_unsealed, audit_entry, audit_head from appoint_server, appoint_across;
grant select, insert (clinic_id, actor, action, subjects, address, request_id, reason)  -- the database sets the time
  on audit_unsealed to appoint_server, appoint_across;
grant select on audit_entry, audit_head to appoint_server, appoint_across;
grant select, delete on audit_unsealed to appoint_sealer;
grant select, insert on audit_entry to appoint_sealer;
grant select, insert, update on audit_head to appoint_sealer;

alter table patient enable row level security;
create policy of_clinic on patient to appoint_server using (clinic_id = current_clinic());
-- the booking statement runs outside a transaction and does not read patients
create policy first_visit on patient for insert to appoint_server with check (true);
create policy across on patient to appoint_across using (true);

alter table notification enable row level security;
-- this role cannot see the platform's own notifications
create policy of_clinic on notification to appoint_server using (of_clinic_id = current_clinic());
create policy across on notification to appoint_across using (true);

alter table audit_unsealed enable row level security;
create policy of_clinic on audit_unsealed for select to appoint_server using (clinic_id = current_clinic());
create policy written on audit_unsealed for insert to appoint_server with check (true);
create policy across on audit_unsealed to appoint_across, appoint_sealer using (true) with check (true);

alter table audit_entry enable row level security;
create policy of_clinic on audit_entry for select to appoint_server using (clinic_id = current_clinic());
create policy across on audit_entry to appoint_across, appoint_sealer using (true) with check (true);

alter table audit_head enable row level security;
create policy of_clinic on audit_head for select to appoint_server using (clinic_id = current_clinic());
create policy across on audit_head to appoint_across, appoint_sealer using (true) with check (true);

alter table api_key enable row level security;
create policy of_clinic on api_key to appoint_server using (clinic_id = current_clinic());
create policy across on api_key to appoint_across using (true);

-- Returns the API key with this id, in one round trip. Row-level security cannot apply yet: naming the clinic would
-- require a transaction, and the role that spans clinics would see every key. This function returns a single key, and
-- only the columns that authentication needs.
create function presented_key(key_id uuid)
  returns table (clinic_id integer, scopes text[], requests_per_minute integer, expires_at timestamptz,
                 last_used_at timestamptz, secret_hash bytea, old_secret_hash bytea, old_secret_until timestamptz)
  language sql stable security definer
  begin atomic
    select k.clinic_id, k.scopes, k.requests_per_minute, k.expires_at, k.last_used_at, k.secret_hash,
           k.old_secret_hash, k.old_secret_until
      from api_key k
      join clinic c on c.id = k.clinic_id
     where k.clinic_id = clinic_of(key_id) and k.id = key_id and k.active and c.active;
  end;
revoke execute on function presented_key from public;
grant execute on function presented_key to appoint_server, appoint_across;

alter table membership enable row level security;
create policy of_clinic on membership to appoint_server using (clinic_id = current_clinic());
create policy across on membership to appoint_across using (true);

alter table webhook enable row level security;
create policy of_clinic on webhook to appoint_server using (clinic_id = current_clinic());
create policy across on webhook to appoint_across using (true);

alter table webhook_delivery enable row level security;
create policy of_clinic on webhook_delivery to appoint_server using (clinic_id = current_clinic());
create policy across on webhook_delivery to appoint_across using (true);

alter table message_template enable row level security;
create policy of_clinic on message_template to appoint_server using (clinic_id = current_clinic());
create policy across on message_template to appoint_across using (true);
