-- A step of the clinic's set-up that a manager has ticked off.
insert into clinic_setup_step (clinic_id, step) values (1, 'page');
