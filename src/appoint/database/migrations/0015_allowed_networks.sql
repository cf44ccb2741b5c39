-- The networks from which a clinic's staff and an API key have access. An empty array allows any network.
alter table clinic
  add column staff_networks text[] not null default '{}'
    constraint clinic_staff_networks check (cardinality(staff_networks) <= 100 and staff_networks::cidr[] is not null);
alter table api_key
  add column networks text[] not null default '{}'
    constraint api_key_networks check (cardinality(networks) <= 100 and networks::cidr[] is not null);

-- As before, but each membership includes the clinic's networks, because people who work at several clinics may be able
-- to access only some of them from their current network.
create or replace function session_owner(hash bytea, at timestamptz, idle interval)
  returns table (session_id uuid, user_id uuid, customer_id uuid, administrator boolean, seen_at timestamptz,
                 proven_at timestamptz, address text, memberships text)
  language sql stable security definer
  begin atomic
    select s.id, s.user_id, s.customer_id, coalesce(u.administrator, false), s.seen_at,
           coalesce(s.proven_at, s.created_at), s.address,
           coalesce((select json_agg(json_build_object('clinic_id', m.clinic_id, 'role', m.role,
                                                       'doctor_id', m.doctor_id, 'networks', k.staff_networks))
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

-- Returns the API key with this id and the networks from which it works, in one round trip. Servers from the previous
-- release use `presented_key`, which doesn't return the networks.
create function find_presented_key(key_id uuid)
  returns table (clinic_id integer, scopes text[], requests_per_minute integer, expires_at timestamptz,
                 last_used_at timestamptz, secret_hash bytea, old_secret_hash bytea, old_secret_until timestamptz,
                 networks text[])
  language sql stable security definer
  begin atomic
    select k.clinic_id, k.scopes, k.requests_per_minute, k.expires_at, k.last_used_at, k.secret_hash,
           k.old_secret_hash, k.old_secret_until, k.networks
      from api_key k
      join clinic c on c.id = k.clinic_id
     where k.clinic_id = clinic_of(key_id) and k.id = key_id and k.active and c.active;
  end;
revoke execute on function find_presented_key from public;
grant execute on function find_presented_key to appoint_server, appoint_across;
