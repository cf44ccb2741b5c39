-- Video visits: where a clinic's calls take place, one call for each appointment and calendar revision, and guests.
create table call_settings (
  clinic_id integer not null,
  id uuid not null constraint call_settings_id_of_clinic check (clinic_of(id) = clinic_id),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  gateway text not null constraint call_settings_gateway check (gateway in ('demo', 'jitsi', 'link')),
  connection text,  -- encrypted: addresses and secrets
  primary key (clinic_id, id),
  constraint call_settings_once unique (clinic_id),
  constraint call_settings_connection check ((gateway = 'demo') = (connection is null)),
  constraint call_settings_clinic foreign key (clinic_id) references clinic (id)
);

-- A call belongs to one calendar revision of an appointment, so a rescheduled appointment has a new one. Only one of an
-- appointment's calls is live.
create table call (
  clinic_id integer not null,
  id uuid not null constraint call_id_of_clinic check (clinic_of(id) = clinic_id),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  appointment_id uuid not null,
  sequence integer not null constraint call_sequence check (sequence >= 0),
  gateway text not null constraint call_gateway check (gateway in ('demo', 'jitsi', 'link')),
  state text not null default 'wanted'
    constraint call_state check (state in ('wanted', 'made', 'open', 'dead', 'ending', 'ended')),
  live_appointment_id uuid
    generated always as (case when state not in ('ending', 'ended') then appointment_id end) stored,
  during tstzrange not null constraint call_half_open check (half_open(during)),
  tries integer not null default 0 constraint call_tries check (tries >= 0),
  due_at timestamptz,
  leased_until timestamptz,
  error text constraint call_error check (length(error) <= 200),
  waiting_since timestamptz,
  opened_at timestamptz,
  patient_joined_at timestamptz,
  doctor_joined_at timestamptz,
  delay_minutes smallint constraint call_delay check (delay_minutes between 1 and 240),
  primary key (clinic_id, id),
  constraint call_once unique (clinic_id, appointment_id, sequence),
  constraint call_live_once unique (clinic_id, live_appointment_id),
  constraint call_due check ((due_at is not null) = (state in ('wanted', 'ending'))),
  constraint call_opened check (state <> 'open' or opened_at is not null),
  constraint call_appointment foreign key (clinic_id, appointment_id) references appointment (clinic_id, id)
    on delete cascade
);
create index call_by_due on call (due_at) where due_at is not null;
create index call_by_end on call (upper(during)) where live_appointment_id is not null;

-- People whom a patient brings to a video visit, such as an interpreter or a carer. Each has their own link.
create table call_guest (
  clinic_id integer not null,
  id uuid not null constraint call_guest_id_of_clinic check (clinic_of(id) = clinic_id),
  created_at timestamptz not null default now(),
  appointment_id uuid not null,
  name text not null constraint call_guest_name check (name ~ '\S' and length(name) <= 100),
  revoked_at timestamptz,
  primary key (clinic_id, id),
  constraint call_guest_appointment foreign key (clinic_id, appointment_id) references appointment (clinic_id, id)
    on delete cascade
);
create index call_guest_by_appointment on call_guest (clinic_id, appointment_id);

grant select, insert, update, delete on call_settings, call_guest to appoint_server, appoint_across;
grant select, insert, update on call to appoint_server, appoint_across;

alter table call_settings enable row level security;
create policy of_clinic on call_settings to appoint_server using (clinic_id = current_clinic());
create policy across on call_settings to appoint_across using (true);
alter table call enable row level security;
create policy of_clinic on call to appoint_server using (clinic_id = current_clinic());
create policy across on call to appoint_across using (true);
alter table call_guest enable row level security;
create policy of_clinic on call_guest to appoint_server using (clinic_id = current_clinic());
create policy across on call_guest to appoint_across using (true);
