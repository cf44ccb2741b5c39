-- The tables to distribute by clinic, or to copy to all nodes. Those in `placed` already are.
select c.relname::text as name,
       case when c.relname = any(:reference) then 'reference' else 'distributed' end as kind
  from pg_class c
 where c.relnamespace = 'public'::regnamespace
   and c.relkind = 'r'
   and c.relname <> all(:local)
   and c.oid <> all(:placed::oid[])
   and (c.relname = any(:reference)
        or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'clinic_id'))
 order by c.relname = any(:reference) desc, c.relname
