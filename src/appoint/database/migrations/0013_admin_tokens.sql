-- An administrator's bearer token. Only its digest is stored.
create table admin_token (
  id uuid primary key default uuidv7(),
  created_at timestamptz not null default now(),
  name text not null constraint admin_token_name check (name ~ '\S' and length(name) <= 200),
  secret_hash bytea not null constraint admin_token_secret check (length(secret_hash) = 32),
  expires_at timestamptz not null constraint admin_token_expiry check (expires_at > created_at),
  last_used_at timestamptz,
  revoked_at timestamptz
);
grant select, insert, update on admin_token to appoint_across;
