-- Create the serving roles that this server lacks, like migration 0004, for restoring a backup.
do $$
declare wanted text;
begin
  foreach wanted in array array['appoint_server', 'appoint_across', 'appoint_sealer'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception
        when duplicate_object or unique_violation then null;  -- another database's migration got there first
        when insufficient_privilege then
          raise exception 'The role % is missing, and % may not make it. '
            'As a superuser: create role % nologin; grant % to % with admin option',
            wanted, current_user, wanted, wanted, current_user;
      end;
    end if;
    if not pg_has_role(current_user, wanted, 'set') then
      execute format('grant %I to current_user', wanted);
    end if;
  end loop;
end $$;
