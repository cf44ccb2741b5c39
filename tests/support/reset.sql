-- Generates testing.reset(), which deletes all rows (referencing tables first) and restarts all sequences.
-- Most tables are empty, so a prepared `delete` costs less than `truncate`, which creates a new file for each table.
-- Large or analysed tables are truncated, and their statistics removed, so that the next test gets the same plans as in
-- a new database.
create schema testing;

do $generate$
declare
    tables text[];
    body text;
begin
    with recursive
    tab as (
        select oid, relnamespace, relname from pg_class
         where relkind = 'r' and relnamespace = 'public'::regnamespace
           and relname <> 'schema_migration'
    ),
    reference as (
        -- tables that refer to each other do so with at least one deferred constraint
        select distinct conrelid, confrelid from pg_constraint
         where contype = 'f' and conrelid <> confrelid and not condeferrable
    ),
    level (oid, depth) as (
        select oid, 0 from tab
        union
        select confrelid, depth + 1 from level join reference on conrelid = level.oid
    ),
    ordered as (
        select format('%I.%I', relnamespace::regnamespace, relname) as name, max(depth) as depth
          from level join tab using (oid)
         group by 1
    )
    select array_agg(name order by depth, name) into tables from ordered;

    body := format(
        $body$
        begin
            if exists (
                select from pg_class
                 where oid = any (%4$L::regclass[]) and (reltuples >= 0 or pg_relation_size(oid) > 2000000)
            ) then
                truncate %1$s cascade;
                perform pg_clear_attribute_stats(schemaname, tablename, attname, inherited)
                   from pg_stats where schemaname = 'public';
            end if;
            %2$s
            %3$s
        end
        $body$,
        array_to_string(tables, ', '),
        (select string_agg(format('delete from %s;', name), ' ' order by place)
           from unnest(tables) with ordinality as each (name, place)),
        (select string_agg(format('perform setval(%s::regclass, %s, false);', seqrelid::oid, seqstart), ' ')
           from pg_sequence),
        tables
    );
    execute format('create function testing.reset() returns void language plpgsql as %L', body);
end
$generate$;
