-- An identity at an OpenID provider, a finished attempt, and where an audit chain starts.
insert into user_identity (issuer, subject_hash, user_id)
select 'https://login.example.org', decode(repeat('20', 32), 'hex'), id from app_user order by id limit 1;
insert into openid_attempt (state_hash) values (decode(repeat('21', 32), 'hex'));
insert into audit_start (clinic_id, position, hash, before, public_key, signature)
values (0, 1, decode(repeat('22', 32), 'hex'), '2017-03-01', '', '');
