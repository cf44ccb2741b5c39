-- The views and SQL functions that read these tables, directly or through each other, and the statements that create
-- each of them with its owner and grants.
with recursive reading as (
  select r.ev_class as oid, true as is_view, d.refobjid as source
    from pg_rewrite r
    join pg_class v on v.oid = r.ev_class and v.relkind = 'v' and v.relnamespace = 'public'::regnamespace
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
   where d.refclassid in ('pg_class'::regclass, 'pg_proc'::regclass) and d.refobjid <> r.ev_class
   union
  select p.oid, false, coalesce(nullif(t.typrelid, 0), d.refobjid)
    from pg_proc p
    join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid
    left join pg_type t on d.refclassid = 'pg_type'::regclass and t.oid = d.refobjid
   where p.pronamespace = 'public'::regnamespace
     and (d.refclassid in ('pg_class'::regclass, 'pg_proc'::regclass) or t.typrelid <> 0)
), affected as (
  select oid, is_view from reading where source = any(:tables::text[]::regclass[])
   union
  select r.oid, r.is_view from reading r join affected a on a.oid = r.source
), object as (
  select c.oid, c.oid::regclass::text as name, 'view' as kind, c.relowner as owner, c.relacl as acl,
         format('create view %s %s as %s', c.oid::regclass,
                'with (' || nullif(array_to_string(c.reloptions, ', '), '') || ')', pg_get_viewdef(c.oid)) as creating
    from affected a
    join pg_class c on c.oid = a.oid
   where a.is_view
   union all
  select p.oid, p.oid::regprocedure::text, 'function', p.proowner, p.proacl, pg_get_functiondef(p.oid)
    from affected a
    join pg_proc p on p.oid = a.oid
   where not a.is_view
)
select o.oid,
       array(select distinct r.source
               from reading r
               join object used on used.oid = r.source
              where r.oid = o.oid and r.source <> o.oid) as sources,
       format('drop %s %s', o.kind, o.name) as dropping,
       array[o.creating, format('alter %s %s owner to %I', o.kind, o.name, pg_get_userbyid(o.owner))]
         || case when o.kind = 'function' and o.acl is not null
                 then array[format('revoke all on function %s from public', o.name)] else '{}' end
         || array(select format('grant %s on %s %s to %s', a.privilege_type,
                                case o.kind when 'function' then 'function' else '' end, o.name,
                                case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
                    from aclexplode(o.acl) a
                   where a.grantee <> o.owner
                   order by a.grantee, a.privilege_type)
         || array(select format('grant %s (%I) on %s to %I', a.privilege_type, t.attname, o.name,
                                pg_get_userbyid(a.grantee))
                    from pg_attribute t
                   cross join lateral aclexplode(t.attacl) a
                   where t.attrelid = o.oid and o.kind = 'view'
                   order by t.attnum, a.grantee, a.privilege_type) as creating
  from object o
 order by o.name
