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
