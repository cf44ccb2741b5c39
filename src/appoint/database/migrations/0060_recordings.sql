-- Recordings of video visits. They need three keys: the clinic's policy, the patient's consent to the recording of this
-- visit, and the doctor's decision to record it.
alter table call_settings
  add column recording text not null default 'forbidden',
  add column recording_days smallint not null default 30;
-- squawk-ignore constraint-missing-not-valid
alter table call_settings add constraint call_settings_recording check (recording in ('forbidden', 'onConsent'));
-- squawk-ignore constraint-missing-not-valid
alter table call_settings add constraint call_settings_recording_days check (recording_days between 1 and 3650);
alter table call add column recording_requested_at timestamptz;

create table recording_consent (
  clinic_id integer not null,
  id uuid not null constraint recording_consent_id_of_clinic check (clinic_of(id) = clinic_id),
  appointment_id uuid not null,
  words_version smallint not null constraint recording_consent_words check (words_version > 0),
  language text not null constraint recording_consent_language check (length(language) between 2 and 35),
  given_by text not null constraint recording_consent_given_by check (length(given_by) <= 100),
  given_at timestamptz not null,
  withdrawn_at timestamptz,
  live_appointment_id uuid generated always as (case when withdrawn_at is null then appointment_id end) stored,
  primary key (clinic_id, id),
  constraint recording_consent_once unique (clinic_id, live_appointment_id),
  constraint recording_consent_appointment foreign key (clinic_id, appointment_id) references appointment (clinic_id, id)
    on delete cascade
);
create index recording_consent_by_appointment on recording_consent (clinic_id, appointment_id);

-- Where the copy of a recording is. Its object in our store is encrypted with a key that is only here, itself encrypted:
-- without the row, the object cannot be read. A call with recordings cannot be deleted before they are.
create table recording (
  clinic_id integer not null,
  id uuid not null constraint recording_id_of_clinic check (clinic_of(id) = clinic_id),
  created_at timestamptz not null default now(),
  call_id uuid not null,
  gateway text not null constraint recording_gateway check (gateway in ('daily')),
  provider_id text not null constraint recording_provider_id check (length(provider_id) between 1 and 100),
  state text not null constraint recording_state check (state in ('wanted', 'copied', 'stored', 'deleting')),
  key text,  -- encrypted
  bytes bigint constraint recording_bytes check (bytes > 0),
  sha256 bytea constraint recording_sha256 check (octet_length(sha256) = 32),
  delete_at timestamptz,
  tries integer not null default 0 constraint recording_tries check (tries >= 0),
  due_at timestamptz,
  leased_until timestamptz,
  error text constraint recording_error check (length(error) <= 200),
  primary key (clinic_id, id),
  constraint recording_once unique (clinic_id, call_id, provider_id),
  constraint recording_content
    check (num_nonnulls(key, bytes, sha256) = case when state in ('copied', 'stored') then 3 else 0 end),
  constraint recording_due check ((due_at is null) = (state = 'stored')),
  constraint recording_retention check ((delete_at is not null) = (state = 'stored')),
  constraint recording_call foreign key (clinic_id, call_id) references call (clinic_id, id)
);
create index recording_by_due on recording (due_at) where due_at is not null;
create index recording_by_retention on recording (delete_at) where delete_at is not null;

grant select, insert, update, delete on recording_consent, recording to appoint_server, appoint_across;
alter table recording_consent enable row level security;
create policy of_clinic on recording_consent to appoint_server using (clinic_id = current_clinic());
create policy across on recording_consent to appoint_across using (true);
alter table recording enable row level security;
create policy of_clinic on recording to appoint_server using (clinic_id = current_clinic());
create policy across on recording to appoint_across using (true);
