-- A customer with a copy in another cell, and a copy of one who is at home there.
insert into customer_copy (customer_id, cell, version)
select id, 1, version from customer where erased_at is null order by id limit 1;
insert into customer_home (customer_id, cell, version)
select id, 1, version from customer where erased_at is null order by id desc limit 1;
