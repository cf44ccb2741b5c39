-- A clinic and a key that each have their own networks.
update clinic set staff_networks = '{203.0.113.0/24}' where id = 1;
update api_key set networks = '{2001:db8::/32}' where clinic_id = 1;
