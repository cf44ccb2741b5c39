-- A clinic that lets patients change their minds for half an hour.
update clinic set change_grace_minutes = 30 where id = 1;
