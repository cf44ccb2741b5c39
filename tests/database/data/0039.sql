-- Ana has a new address.
insert into address_change (customer_id, channel, old_address)
values ('00000000-0000-7000-8000-000000000221', 'email', 'ana.old@example.org');
