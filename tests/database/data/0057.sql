-- A clinic whose queue opens only by hand, and one that people are waiting in.
update clinic set queue = 'manual' where id = 1;
insert into visitor_queue (clinic_id, opened_at, opened_by, issued, served, marked) values (1, now(), 'staff', 9, 5, 2);
