"""Who may do what: people who sign in, keys of partners, the record of every change and look, and roles of the database itself."""

from appoint.database.migrations.script import run

revision = "0004"
down_revision = "0003"

SQL = r"""
-- Who serves requests owns nothing. `appoint_server` sees of people those of the clinic that its transaction names, `appoint_across` is for the listed
-- statements that look further and for the worker, `appoint_sealer` alone takes audit entries out of the queue of those to seal.
do $$
declare wanted text;
begin
  foreach wanted in array array['appoint_server', 'appoint_across', 'appoint_sealer'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception
        when duplicate_object or unique_violation then null;  -- another database's migration was first
        when insufficient_privilege then
          raise exception 'The role % is missing, and % may not make it. As a superuser: create role % nologin; grant % to % with admin option', wanted, current_user, wanted, wanted, current_user;
      end;
    end if;
    if not pg_has_role(current_user, wanted, 'set') then
      execute format('grant %I to current_user', wanted);
    end if;
  end loop;
end $$;

-- the clinic that a transaction is about; none where it does not say
create function current_clinic() returns integer language sql stable parallel safe
  return nullif(current_setting('appoint.clinic_id', true), '')::integer;

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
  password_hash text,  -- none: invited, and not come yet
  credentials integer not null default 1,  -- counts changes of password: mailed links are for one of them
  totp_secret bytea,  -- encrypted
  totp_confirmed_at timestamptz,
  totp_step bigint,  -- of the code used last, which is good for no second time
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
  primary key (clinic_id, user_id),
  constraint membership_clinic foreign key (clinic_id) references clinic (id),
  constraint membership_user foreign key (user_id) references app_user (id),
  constraint membership_doctor foreign key (clinic_id, doctor_id) references doctor (clinic_id, id),
  constraint membership_of_doctor check (role <> 'doctor' or doctor_id is not null)
);
create index membership_by_user on membership (user_id);

-- somebody who is signed in: staff, or a patient
create table session (
  id uuid primary key default uuidv7(),
  token_hash bytea not null constraint session_token unique constraint session_token_hash check (length(token_hash) = 32),
  user_id uuid,
  customer_id uuid,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint session_of_one check (num_nonnulls(user_id, customer_id) = 1),
  constraint session_user_of foreign key (user_id) references app_user (id) on delete cascade,
  constraint session_customer foreign key (customer_id) references customer (id) on delete cascade
);
create index session_by_user on session (user_id) where user_id is not null;
create index session_by_customer on session (customer_id) where customer_id is not null;
create index session_expires on session (expires_at);

-- a code on its way to an address, for whoever of the customers it belongs to; the code itself is nowhere but in the message
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
  scopes text[] not null constraint api_key_scopes check (cardinality(scopes) > 0 and array_position(scopes, null) is null),
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

-- Every change and every look at people's data. Written with the change itself, by nobody in particular order; a worker seals it: numbers it and chains
-- its hash to the one before. Of people there are ids here and nothing else.
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

create table audit_head (
  clinic_id integer primary key constraint audit_head_clinic check (clinic_id >= 0),
  position bigint not null constraint audit_head_position check (position >= 0),
  hash bytea not null constraint audit_head_hash check (length(hash) = 32),
  signature text not null,
  sealed_at timestamptz not null
);

-- of a customer the server knows without saying for which clinic it asks whether they are there, and no more
create view clinic_customer with (security_barrier) as
  select c.* from customer c
   where exists (select from patient p where p.clinic_id = current_clinic() and p.customer_id = c.id);

grant usage on schema public to appoint_server, appoint_across, appoint_sealer;
grant usage on schema jobs to appoint_across;
grant select, insert, update, delete on all tables in schema public to appoint_server, appoint_across;
grant select, insert, update, delete on all tables in schema jobs to appoint_across;
grant usage on all sequences in schema public to appoint_server, appoint_across;
grant usage on all sequences in schema jobs to appoint_across;
revoke insert, update, delete on alembic_version from appoint_server, appoint_across;

revoke select, insert, update, delete on customer from appoint_server;
grant select (id, version, active, removed_at, created_at, updated_at), update (version) on customer to appoint_server;
grant select on clinic_customer to appoint_server, appoint_across;
revoke insert, update, delete on clinic_customer, customer_channel, shown_appointment from appoint_server, appoint_across;

revoke all on audit_unsealed, audit_entry, audit_head from appoint_server, appoint_across;
grant select, insert on audit_unsealed to appoint_server, appoint_across;
grant select on audit_entry, audit_head to appoint_server, appoint_across;
grant select, delete on audit_unsealed to appoint_sealer;
grant select, insert on audit_entry to appoint_sealer;
grant select, insert, update on audit_head to appoint_sealer;

alter table patient enable row level security;
create policy of_clinic on patient to appoint_server using (clinic_id = current_clinic());
create policy first_visit on patient for insert to appoint_server with check (true);  -- the booking statement stands alone; it reads nothing of it
create policy across on patient to appoint_across using (true);

alter table notification enable row level security;
create policy of_clinic on notification to appoint_server using (clinic_id = current_clinic());
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

alter table membership enable row level security;
create policy of_clinic on membership to appoint_server using (clinic_id = current_clinic());
create policy across on membership to appoint_across using (true);
"""


def upgrade() -> None:
    run(SQL)
