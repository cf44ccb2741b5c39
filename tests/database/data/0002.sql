-- A job in the queue, which 0008 drops.
do $$ begin
  if to_regclass('jobs.pgqueuer') is not null then
    insert into jobs.pgqueuer (priority, status, entrypoint) values (0, 'queued', 'notify');
  end if;
end $$;
