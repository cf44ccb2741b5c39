-- After booking, patients can change their minds for a while, even within the notice period.
alter table clinic
  add column change_grace_minutes integer not null default 15
    constraint clinic_change_grace check (change_grace_minutes between 0 and 1440);
