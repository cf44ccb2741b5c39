-- Someone without a language of their own asked for a code on a German page.
insert into sign_in_code (channel, customer_ids, locale, expires_at) values ('email', '{}', 'de', '2027-03-01');
