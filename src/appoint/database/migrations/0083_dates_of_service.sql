-- The date of service of a line, if it is neither its appointment's date nor the date of issue.
alter table invoice_line add column supplied_on date;

create or replace view shown_invoice with (security_invoker = true) as
  select i.clinic_id, i.id, i.version + paid.changes as version, i.created_at,
         greatest(i.updated_at, paid.changed_at) as updated_at, i.kind, i.corrects_id, i.status, i.customer_id,
         i.currency, i.total, paid.amount as paid, i.language, i.note, i.appointment_id, i.occasion, i.series, i.number,
         i.issued_at, i.due_on, i.buyer::text as buyer, i.seller::text as seller, lines.list::text as lines
    from invoice i
   cross join lateral (
     select coalesce(sum(a.amount) filter (where a.undone_at is null), 0)::bigint as amount,
            (count(*) + count(a.undone_at))::integer as changes,
            max(greatest(a.created_at, a.undone_at)) as changed_at
       from allocation a
      where a.clinic_id = i.clinic_id and a.invoice_id = i.id) as paid
   cross join lateral (
     select coalesce(json_agg(json_build_object(
              'description', l.description, 'appointmentId', l.appointment_id, 'couponUseId', l.coupon_use_id,
              'suppliedOn', l.supplied_on, 'quantity', l.quantity, 'unitAmount', l.unit_amount,
              'discountAmount', l.discount_amount, 'includesTax', l.includes_tax, 'taxCategory', l.tax_category,
              'taxRate', l.tax_rate, 'taxReason', l.tax_reason, 'net', l.net, 'tax', l.tax, 'gross', l.gross)
            order by l.position), '[]') as list
       from invoice_line l
      where l.clinic_id = i.clinic_id and l.invoice_id = i.id) as lines;

-- With the other details about a patient's visit, the date goes when the legal period ends.
create or replace function redact_documents(clinic integer, before timestamptz, at_most integer) returns integer
language sql volatile security definer set search_path = public, pg_temp
  begin atomic
    with old_invoice as (
      select i.id from invoice i
       where i.clinic_id = redact_documents.clinic and i.status = 'issued' and i.issued_at < redact_documents.before
         and i.buyer <> '{}'
       order by i.issued_at
       limit redact_documents.at_most
    ), old_receipt as (
      select r.payment_id from receipt r
        join payment p on p.clinic_id = r.clinic_id and p.id = r.payment_id
       where r.clinic_id = redact_documents.clinic and p.succeeded_at < redact_documents.before
       limit redact_documents.at_most
    ), lines as (
      update invoice_line l set description = '–', supplied_on = null
        from old_invoice o
       where l.clinic_id = redact_documents.clinic and l.invoice_id = o.id
    ), pdfs as (
      delete from invoice_pdf d using old_invoice o
       where d.clinic_id = redact_documents.clinic and d.invoice_id = o.id
    ), receipts as (
      delete from receipt r using old_receipt o
       where r.clinic_id = redact_documents.clinic and r.payment_id = o.payment_id
    ), invoices as (
      update invoice i set buyer = '{}', note = null, version = i.version + 1, updated_at = now()
        from old_invoice o
       where i.clinic_id = redact_documents.clinic and i.id = o.id
    )
    select (select count(*) from old_invoice)::integer + (select count(*) from old_receipt)::integer;
  end;
