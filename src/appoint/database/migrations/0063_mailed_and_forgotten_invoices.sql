-- Whether a clinic mails its invoices, and how long it keeps them.
alter table payment_policy add column mails_invoices boolean;  -- null: yes

-- Card payments that failed or were cancelled are deleted after some days.
grant delete on payment to appoint_across;

-- Removes personal data from a clinic's invoices, credit notes and receipts that are older than a given time, and deletes
-- their PDFs. Numbers and amounts stay, because they are part of the clinic's books. Returns how many documents contained
-- personal data; call it again until there are none. Only this function changes issued invoices.
create function forget_documents(clinic integer, before timestamptz, at_most integer) returns integer
language sql volatile security definer set search_path = public, pg_temp
  begin atomic
    with old_invoice as (
      select i.id from invoice i
       where i.clinic_id = forget_documents.clinic and i.status = 'issued' and i.issued_at < forget_documents.before
         and i.buyer <> '{}'
       order by i.issued_at
       limit forget_documents.at_most
    ), old_receipt as (
      select r.payment_id from receipt r
        join payment p on p.clinic_id = r.clinic_id and p.id = r.payment_id
       where r.clinic_id = forget_documents.clinic and p.succeeded_at < forget_documents.before
       limit forget_documents.at_most
    ), lines as (
      update invoice_line l set description = '–'
        from old_invoice o
       where l.clinic_id = forget_documents.clinic and l.invoice_id = o.id
    ), pdfs as (
      delete from invoice_pdf d using old_invoice o
       where d.clinic_id = forget_documents.clinic and d.invoice_id = o.id
    ), receipts as (
      delete from receipt r using old_receipt o
       where r.clinic_id = forget_documents.clinic and r.payment_id = o.payment_id
    ), invoices as (
      update invoice i set buyer = '{}', note = null, version = i.version + 1, updated_at = now()
        from old_invoice o
       where i.clinic_id = forget_documents.clinic and i.id = o.id
    )
    select (select count(*) from old_invoice)::integer + (select count(*) from old_receipt)::integer;
  end;
revoke execute on function forget_documents from public;
grant execute on function forget_documents to appoint_across;

-- Payment links that staff have revoked. A link contains its number, and only the current one works: 1 until the first
-- is revoked.
create table pay_link (
  clinic_id integer not null,
  invoice_id uuid not null,
  number integer not null constraint pay_link_number check (number between 2 and 65535),
  primary key (clinic_id, invoice_id),
  constraint pay_link_invoice foreign key (clinic_id, invoice_id) references invoice (clinic_id, id)
);
grant select, insert, update on pay_link to appoint_server, appoint_across;
alter table pay_link enable row level security;
create policy of_clinic on pay_link to appoint_server using (clinic_id = current_clinic());
create policy across on pay_link to appoint_across using (true);
