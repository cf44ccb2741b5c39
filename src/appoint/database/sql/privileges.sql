-- Everything that row-level security and grants let Appoint's roles do, one line each.
with role as (
  select oid, rolname::text as name from pg_roles where rolname = any(:roles)
), relation as (
  select oid, relname, relacl, relrowsecurity from pg_class where relnamespace = 'public'::regnamespace
), line as (
  select 'role ' || name as text
    from role
   union all
  select format('row security on %s', relname)
    from relation
   where relrowsecurity
   union all
  select format('policy %s on %s for %s to %s', policyname, tablename, cmd, array_to_string(roles, ', '))
    from pg_policies
   where schemaname = 'public'
   union all
  select format('%s on schema public to %s', a.privilege_type, r.name)
    from pg_namespace n
   cross join lateral aclexplode(n.nspacl) a
    join role r on r.oid = a.grantee
   where n.oid = 'public'::regnamespace
   union all
  select format('%s on %s to %s', a.privilege_type, c.relname, r.name)
    from relation c
   cross join lateral aclexplode(c.relacl) a
    join role r on r.oid = a.grantee
   union all
  select format('%s (%s) on %s to %s', a.privilege_type, t.attname, c.relname, r.name)
    from relation c
    join pg_attribute t on t.attrelid = c.oid and t.attacl is not null
   cross join lateral aclexplode(t.attacl) a
    join role r on r.oid = a.grantee
   union all
  select format('%s on function %s to %s', a.privilege_type, p.proname, r.name)
    from pg_proc p
   cross join lateral aclexplode(p.proacl) a
    join role r on r.oid = a.grantee
   where p.pronamespace = 'public'::regnamespace
)
select text from line group by text order by text collate "C"
