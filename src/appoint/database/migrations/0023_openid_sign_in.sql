-- Staff sign in on the pages through an OpenID provider, and old audit entries are deleted.

-- Links a user to their identity at an OpenID provider. Contains neither the user's id nor their name at the provider.
create table user_identity (
  issuer text not null constraint user_identity_issuer check (issuer <> '' and length(issuer) <= 1000),
  subject_hash bytea not null constraint user_identity_subject check (length(subject_hash) = 32),
  user_id uuid not null constraint user_identity_user references app_user on delete cascade,
  created_at timestamptz not null default now(),
  primary key (issuer, subject_hash),
  constraint user_identity_once unique (user_id, issuer)
);
grant select, insert, delete on user_identity to appoint_across;

-- The sign-in attempts that a provider's response has completed, so that no response can be used twice.
create table openid_attempt (
  state_hash bytea primary key constraint openid_attempt_state check (length(state_hash) = 32),
  used_at timestamptz not null default now()
);
grant select, insert, delete on openid_attempt to appoint_across;

-- Where a clinic's audit chain starts once its oldest entries have been deleted: the last deleted entry's position and
-- hash, and the time before which all deleted entries were written, signed together.
create table audit_start (
  clinic_id integer primary key constraint audit_start_clinic check (clinic_id >= 0),
  position bigint not null constraint audit_start_position check (position > 0),
  hash bytea not null constraint audit_start_hash check (length(hash) = 32),
  before timestamptz not null,
  public_key text not null,
  signature text not null
);
grant select on audit_start to appoint_server, appoint_across;
grant select, insert, update on audit_start to appoint_sealer;
alter table audit_start enable row level security;
create policy of_clinic on audit_start for select to appoint_server using (clinic_id = current_clinic());
create policy across on audit_start to appoint_across, appoint_sealer using (true) with check (true);

-- Deletes a clinic's sealed entries up to a position, and returns how many. No role can delete entries that are less than
-- a year old.
create function delete_old_audit_entries(clinic integer, until bigint) returns bigint
  language sql volatile security definer
  begin atomic
    with deleted as (
      delete from audit_entry
       where clinic_id = clinic and position <= until and at < now() - interval '1 year'
      returning position
    )
    select count(*) from deleted;
  end;
revoke execute on function delete_old_audit_entries from public;
grant execute on function delete_old_audit_entries to appoint_sealer;
