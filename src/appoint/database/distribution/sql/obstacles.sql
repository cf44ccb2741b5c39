-- The parts of the schema that Citus cannot distribute, one line each.
with placed as (
  select c.oid, c.relname::text as name,
         case when c.relname = any(:reference) then 'reference'
              when c.relname <> all(:local)
                   and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'clinic_id')
              then 'distributed' else 'local' end as kind
    from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
), foreign_key as (
  select f.conname, t.name as from_name, t.kind as from_kind, o.name as to_name, o.kind as to_kind,
         exists (select
                   from unnest(f.conkey, f.confkey) k (here, there)
                   join pg_attribute h on h.attrelid = f.conrelid and h.attnum = k.here
                   join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.there
                  where h.attname = 'clinic_id' and a.attname = 'clinic_id') as has_clinic
    from pg_constraint f
    join placed t on t.oid = f.conrelid
    join placed o on o.oid = f.confrelid
   where f.contype = 'f'
)
select format('%s.%s is an identity column', p.name, a.attname) as text
  from placed p
  join pg_attribute a on a.attrelid = p.oid and a.attidentity <> ''
 where p.kind <> 'local'
    or exists (select from foreign_key f where f.from_name = p.name and f.to_kind = 'reference')
 union all
select format('%s does not contain clinic_id', i.indexrelid::regclass)
  from placed p
  join pg_index i on i.indrelid = p.oid and (i.indisunique or i.indisexclusion)
 where p.kind = 'distributed'
   and not exists (select
                     from unnest(i.indkey) as k (number)
                     join pg_attribute a on a.attrelid = p.oid and a.attnum = k.number
                    where a.attname = 'clinic_id')
 union all
select format('%s on %s refers to %s without clinic_id', conname, from_name, to_name)
  from foreign_key
 where from_kind = 'distributed' and to_kind = 'distributed' and not has_clinic
 union all
select format('%s on %s, which is %s, refers to %s, which is %s', conname, from_name, from_kind, to_name, to_kind)
  from foreign_key
 where (from_kind <> 'distributed' and to_kind = 'distributed') or (from_kind <> 'local' and to_kind = 'local')
 union all
select format('%s has the trigger %s', p.name, t.tgname)
  from placed p
  join pg_trigger t on t.tgrelid = p.oid and not t.tgisinternal
 order by text
