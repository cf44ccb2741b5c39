-- A user's passkey, a used and an unused recovery code, a session with a second factor, and a clinic that requires one.
insert into passkey (user_id, name, credential_id, public_key, sign_count, synced)
select id, 'Phone', '\x0102', '\xa5', 7, true from app_user order by id limit 1;
insert into recovery_code (user_id, digest, used_at)
select id, sha256('1'), '2027-03-01' from app_user order by id limit 1;
insert into recovery_code (user_id, digest) select id, sha256('2') from app_user order by id limit 1;
insert into used_challenge (digest, expires_at) values (sha256('3'), '2027-03-01');
insert into session (token_hash, user_id, expires_at, second_factor)
select sha256('passkey'), id, '2027-03-01', true from app_user order by id limit 1;
update clinic set staff_second_factor = true where id = (select min(id) from clinic);
