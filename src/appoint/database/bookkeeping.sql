-- Creates the table of applied migrations. Runs before every migration, and changes nothing once the table exists.
do $$ begin
  if to_regclass('schema_migration') is null then
    create table schema_migration (
      revision text primary key,
      name text not null,
      applied_at timestamptz not null default now()
    );
    grant select on schema_migration to public;  -- servers check the revision, no matter which role they act as

    -- Databases created by earlier versions have their revision in Alembic's table.
    if to_regclass('alembic_version') is not null then
      insert into schema_migration (revision, name)
      select revision, name
        from (values ('0001', 'core'), ('0002', 'queue'), ('0003', 'notifications'),
                     ('0004', 'access_control'), ('0005', 'reports'), ('0006', 'name_search'))
             as applied (revision, name)
       where revision <= (select version_num from alembic_version);
      drop table alembic_version;
    end if;
  end if;
end $$;
