-- Disable accounts and memberships, and record each session's device and network address.

-- A disabled account cannot sign in anywhere; a disabled membership doesn't give access to that clinic.
alter table app_user add column disabled_at timestamptz;
alter table membership add column disabled_at timestamptz;

alter table session
  -- browser and system, such as “Firefox, Linux”
  add column device text constraint session_device check (length(device) <= 60),
  -- the network address that last used the session
  add column address text constraint session_address check (length(address) <= 60),
  add column proven_at timestamptz;  -- when the user last entered a credential; null: when they signed in

-- Returns the owner of a session token and the owner's memberships at all clinics where they have access, in one
-- statement.
create function session_owner(hash bytea, at timestamptz, idle interval)
  returns table (session_id uuid, user_id uuid, customer_id uuid, administrator boolean, seen_at timestamptz,
                 proven_at timestamptz, address text, memberships text)
  language sql stable security definer
  begin atomic
    select s.id, s.user_id, s.customer_id, coalesce(u.administrator, false), s.seen_at,
           coalesce(s.proven_at, s.created_at), s.address,
           coalesce((select json_agg(json_build_object('clinic_id', m.clinic_id, 'role', m.role,
                                                       'doctor_id', m.doctor_id))
                       from membership m
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
revoke execute on function session_owner from public;
grant execute on function session_owner to appoint_server, appoint_across;

-- Servers from the previous release call this function.
create or replace function signed_in(hash bytea, at timestamptz, idle interval)
  returns table (session_id uuid, user_id uuid, customer_id uuid, administrator boolean, seen_at timestamptz,
                 memberships text)
  language sql stable security definer
  begin atomic
    select o.session_id, o.user_id, o.customer_id, o.administrator, o.seen_at, o.memberships
      from session_owner(hash, at, idle) o;
  end;

-- Returns a user's sessions if the user works at the transaction's clinic. The server cannot read anyone else's
-- sessions.
create function member_sessions(member uuid)
  returns table (id uuid, created_at timestamptz, seen_at timestamptz, expires_at timestamptz, device text,
                 address text)
  language sql stable security definer
  begin atomic
    select s.id, s.created_at, s.seen_at, s.expires_at, s.device, s.address
      from session s
      join membership m on m.user_id = s.user_id
     where m.clinic_id = current_clinic() and m.user_id = member;
  end;
revoke execute on function member_sessions from public;
grant execute on function member_sessions to appoint_server, appoint_across;

-- Ends a user's sessions if the user works at the transaction's clinic.
create function end_member_sessions(member uuid) returns void
  language sql volatile security definer
  begin atomic
    delete from session
     where user_id = member
       and exists (select from membership m where m.clinic_id = current_clinic() and m.user_id = member);
  end;
revoke execute on function end_member_sessions from public;
grant execute on function end_member_sessions to appoint_server, appoint_across;

grant select (disabled_at) on app_user to appoint_server;
grant update (address) on session to appoint_server;
