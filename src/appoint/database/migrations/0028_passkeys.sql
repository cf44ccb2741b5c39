-- Passkeys, recovery codes, and the rule that a clinic's staff must sign in with a second factor.

-- A passkey (WebAuthn credential). Authenticators that keep a counter increment it with every use; the others always
-- report 0.
create table passkey (
  id uuid primary key default uuidv7(),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  user_id uuid not null constraint passkey_user references app_user,
  name text not null constraint passkey_name check (name ~ '\S' and length(name) <= 200),
  credential_id bytea not null
    constraint passkey_credential unique
    constraint passkey_credential_id check (length(credential_id) between 1 and 1023),
  public_key bytea not null constraint passkey_public_key check (length(public_key) between 1 and 2000),
  sign_count bigint not null constraint passkey_sign_count check (sign_count between 0 and 4294967295),
  synced boolean not null,
  last_used_at timestamptz
);
create index passkey_of_user on passkey (user_id, id);

-- The challenges that have been used. Each is valid only once, and only for a few minutes.
create table used_challenge (
  digest bytea primary key constraint used_challenge_digest check (length(digest) = 32),
  expires_at timestamptz not null
);

-- The digests of a user's recovery codes.
create table recovery_code (
  user_id uuid not null constraint recovery_code_user references app_user,
  digest bytea not null constraint recovery_code_digest check (length(digest) = 32),
  used_at timestamptz,
  primary key (user_id, digest)
);

alter table session
  -- whether the user also proved who they are with a passkey, an authenticator or a recovery code
  add column second_factor boolean not null default false
    constraint session_second_factor check (not second_factor or user_id is not null);

alter table clinic add column staff_second_factor boolean not null default false;

-- Like `session_owner`, which servers from the previous release call, but it also returns whether the session has a
-- second factor, and which clinics require one.
create function find_session_owner(hash bytea, at timestamptz, idle interval)
  returns table (session_id uuid, user_id uuid, customer_id uuid, administrator boolean, seen_at timestamptz,
                 proven_at timestamptz, address text, second_factor boolean, memberships text)
  language sql stable security definer
  begin atomic
    select s.id, s.user_id, s.customer_id, coalesce(u.administrator, false), s.seen_at,
           coalesce(s.proven_at, s.created_at), s.address, s.second_factor,
           coalesce((select json_agg(json_build_object('clinic_id', m.clinic_id, 'role', m.role,
                                                       'doctor_id', m.doctor_id, 'networks', k.staff_networks,
                                                       'second_factor', k.staff_second_factor))
                       from membership m
                       join clinic k on k.id = m.clinic_id
                      where m.user_id = s.user_id
                        and m.disabled_at is null
                        -- doctors who have left no longer have access
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
       and (u.active and u.disabled_at is null or c.active);
  end;
revoke execute on function find_session_owner from public;
grant execute on function find_session_owner to appoint_server, appoint_across;

-- Returns whether a user who works at the transaction's clinic has a second factor. The server cannot see anyone's
-- passkeys.
create function has_second_factor(member uuid) returns boolean
  language sql stable security definer
  begin atomic
    select exists (select from app_user u
                     join membership m on m.user_id = u.id
                    where u.id = member
                      and m.clinic_id = current_clinic()
                      and (u.totp_confirmed_at is not null
                           or exists (select from passkey p where p.user_id = u.id)));
  end;
revoke execute on function has_second_factor from public;
grant execute on function has_second_factor to appoint_server, appoint_across;

grant select, insert, update, delete on passkey, recovery_code to appoint_across;
grant select, insert, delete on used_challenge to appoint_across;
