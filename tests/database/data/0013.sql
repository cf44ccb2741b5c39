-- An administrator's token.
insert into admin_token (name, secret_hash, created_at, expires_at)
values ('Backup check', decode(repeat('10', 32), 'hex'), '2027-03-01', '2027-06-01');
