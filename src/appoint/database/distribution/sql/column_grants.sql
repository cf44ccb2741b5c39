-- The statements that repeat grants on single columns on the tables' shards. Citus does not do so itself.
select format('select success, result from run_command_on_placements(%L, %L)', c.relname,
              format('grant %s on %%s to %I',
                     string_agg(format('%s (%I)', a.privilege_type, t.attname), ', '
                                order by t.attnum, a.privilege_type),
                     pg_get_userbyid(a.grantee))) as text
  from pg_class c
  join pg_attribute t on t.attrelid = c.oid and t.attacl is not null
 cross join lateral aclexplode(t.attacl) a
 where c.relnamespace = 'public'::regnamespace
   and c.relkind = 'r'
   and c.relname <> all(:local)
   and (c.relname = any(:reference)
        or exists (select from pg_attribute k where k.attrelid = c.oid and k.attname = 'clinic_id'))
 group by c.relname, a.grantee
 order by c.relname, a.grantee
