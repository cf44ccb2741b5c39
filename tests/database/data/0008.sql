-- A nightly job that has run.
insert into job_run (name, due_at, finished_at) values ('publish-slots', '2027-03-02 00:15+00', '2027-03-01 00:16+00');
