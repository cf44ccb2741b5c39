-- Mia reads dates as in Ireland, and Ana as in Austria.
update app_user set region = 'IE' where id = (select min(id::text)::uuid from app_user);
update customer set region = 'AT'
 where id = (select min(id::text)::uuid from customer where erased_at is null);
