-- Every constraint of this version's schema exists, is validated and is enforced.
select expected.name as subject
  from unnest(:constraints::text[]) as expected (name)
 where not exists (select
                     from pg_constraint c
                     join pg_class t on t.oid = c.conrelid
                    where c.connamespace = 'public'::regnamespace and t.relname || '.' || c.conname = expected.name
                      and c.convalidated and c.conenforced)
 limit :limit
