-- A job in the queue.
insert into jobs.pgqueuer (priority, status, entrypoint) values (0, 'queued', 'notify');
