-- PDF documents for issued invoices and credit notes. The worker draws each of them once, and row-level security stops
-- the application from replacing or deleting what it has drawn.
create table invoice_pdf (
  clinic_id integer not null,
  invoice_id uuid not null,
  invoice_status text not null default 'issued' constraint invoice_pdf_of_issued check (invoice_status = 'issued'),
  created_at timestamptz not null default now(),
  due_at timestamptz not null default now(),  -- when the worker draws it, or tries again
  hash text,
  content bytea constraint invoice_pdf_size check (octet_length(content) between 1 and 16777216),
  primary key (clinic_id, invoice_id),
  constraint invoice_pdf_drawn check ((hash is null) = (content is null)),
  constraint invoice_pdf_hash check (hash = encode(sha256(content), 'hex')),
  constraint invoice_pdf_of foreign key (clinic_id, invoice_id, invoice_status)
    references invoice (clinic_id, id, status)
);
create index invoice_pdf_to_draw on invoice_pdf (due_at) where content is null;
grant select, insert, update (due_at, hash, content) on invoice_pdf to appoint_server, appoint_across;

alter table invoice_pdf enable row level security;
create policy of_clinic on invoice_pdf for select to appoint_server using (clinic_id = current_clinic());
create policy added on invoice_pdf for insert to appoint_server with check (clinic_id = current_clinic());
create policy drawn on invoice_pdf for update to appoint_server
  using (clinic_id = current_clinic() and content is null) with check (clinic_id = current_clinic());
create policy across on invoice_pdf for select to appoint_across using (true);
create policy added_across on invoice_pdf for insert to appoint_across with check (true);
create policy drawn_across on invoice_pdf for update to appoint_across using (content is null) with check (true);
