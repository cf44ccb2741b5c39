-- A day on which a doctor has half an hour left.
insert into doctor_day
select clinic_id, '2027-03-08', id, 9, '{60}', '{30}', 0, 0, 0, 0, 0, '{0,0,0,0,0,0,0,0}', 30
  from doctor where clinic_id = 1 order by id limit 1;
