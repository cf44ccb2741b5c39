-- The foreign keys from or to these tables, which must not exist while Citus distributes them.
select format('alter table %s drop constraint %I', f.conrelid::regclass, f.conname) as dropping,
       format('alter table %s add constraint %I %s', f.conrelid::regclass, f.conname, pg_get_constraintdef(f.oid))
         as adding
  from pg_constraint f
 where f.contype = 'f'
   and (f.conrelid = any(:tables::text[]::regclass[]) or f.confrelid = any(:tables::text[]::regclass[]))
 order by f.conrelid::regclass::text, f.conname
