-- A patient whose age decides whom they can see.
update customer set birth_date = '2019-05-01' where id = '00000000-0000-7000-8000-000000000002';
