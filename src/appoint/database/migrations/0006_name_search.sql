-- Name search: find people however their names are spelled.
--
-- Released migrations are never changed, and this one predates the rules that it breaks (locks on large tables):
-- squawk-ignore-file adding-field-with-default, require-concurrent-index-creation, require-concurrent-index-deletion

-- Returns the text in lower case, without accents.
create function folded(text) returns text language sql immutable strict parallel safe
begin atomic
  select translate(replace(replace(replace(regexp_replace(normalize(lower($1), nfd), '[\u0300-\u036f]', '', 'g'),
                                           'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'øłđðı’', 'olddi''');
end;

-- Returns the folded text and, if they differ from it, the German spelling without umlauts and its reverse: “müller
-- mueller”, “mueller muller”.
create function spellings(text) returns text language plpgsql immutable strict parallel safe as $$
declare
  plain text := public.folded($1);
  long text := public.folded(replace(replace(replace(replace(normalize(lower($1), nfc),
                                                     'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ø', 'oe'));
begin
  return plain || coalesce(' ' || nullif(long, plain), '')
         || coalesce(' ' || nullif(regexp_replace(long, '([aou])e', '\1', 'g'), long), '');
end $$;

-- The text that a search matches.
alter table customer
  add column words text
    generated always as (spellings(name || ' ' || coalesce(email, '') || ' ' || coalesce(phone, ''))) stored;
drop index customer_words;
create index customer_words on customer using gin (words gin_trgm_ops);

create or replace view clinic_customer with (security_barrier) as
  select c.* from customer c
   where exists (select from patient p where p.clinic_id = current_clinic() and p.customer_id = c.id);
