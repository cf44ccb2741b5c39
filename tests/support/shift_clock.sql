-- Shifts the clock of this database by the seconds in the setting `testing.shift_seconds`. Functions in the schema
-- `testing` shadow PostgreSQL's own in statements, and replace them in column defaults.
-- `mint_id` keeps the real clock, as `ids.new_id` does, so that ids from both sort by time.
grant usage on schema testing to public;

do $shift$
declare
    shift constant interval := make_interval(secs => current_setting('testing.shift_seconds')::double precision);
    col record;
begin
    execute format(
        $functions$
        create function testing.now() returns timestamptz language sql stable parallel safe
          begin atomic select pg_catalog.now() + %1$L::interval; end;
        create function testing.clock_timestamp() returns timestamptz language sql volatile parallel safe
          begin atomic select pg_catalog.clock_timestamp() + %1$L::interval; end;
        create function testing.uuidv7() returns uuid language sql volatile parallel safe
          begin atomic select pg_catalog.uuidv7(%1$L::interval); end;
        create function testing.uuidv7(shift interval) returns uuid language sql volatile parallel safe
          begin atomic select pg_catalog.uuidv7(shift + %1$L::interval); end;
        $functions$,
        shift
    );
    for col in
        select attrelid::regclass as tab, attname as name, pg_get_expr(adbin, adrelid) as value
          from pg_attrdef
          join pg_attribute on attrelid = adrelid and attnum = adnum
          join pg_class on pg_class.oid = adrelid
         where relnamespace = 'public'::regnamespace and pg_get_expr(adbin, adrelid) ~ '\m(now|uuidv7)\(\)'
    loop
        execute format(
            'alter table %s alter column %I set default %s',
            col.tab, col.name, regexp_replace(col.value, '\m(now|uuidv7)\(\)', 'testing.\1()', 'g')
        );
    end loop;
    execute format('alter database %I set search_path = public, testing, pg_catalog', current_database());
end
$shift$;
