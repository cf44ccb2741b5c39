-- Invoices and payments as the API shows them. Allocations count in their versions, because an issued invoice itself
-- never changes.

alter table payment
  add column invoice_id uuid,  -- what a pending payment is for, if it is for one invoice
  -- Both columns are still null in every row.
  -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
  add constraint payment_invoice foreign key (clinic_id, invoice_id) references invoice (clinic_id, id);

create view shown_invoice with (security_invoker = true) as
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
              'quantity', l.quantity, 'unitAmount', l.unit_amount, 'discountAmount', l.discount_amount,
              'includesTax', l.includes_tax, 'taxCategory', l.tax_category, 'taxRate', l.tax_rate,
              'taxReason', l.tax_reason, 'net', l.net, 'tax', l.tax, 'gross', l.gross) order by l.position), '[]') as list
       from invoice_line l
      where l.clinic_id = i.clinic_id and l.invoice_id = i.id) as lines;
grant select on shown_invoice to appoint_server, appoint_across;

create view shown_payment with (security_invoker = true) as
  select p.clinic_id, p.id, p.version + spent.changes as version, p.created_at,
         greatest(p.updated_at, spent.changed_at) as updated_at, p.customer_id, p.method, p.status, p.currency, p.amount,
         case when p.status = 'succeeded' then p.amount - spent.amount else 0 end as free, p.deposit, p.booking_id,
         p.invoice_id, p.refund_id, p.credit_note_id, p.reason, p.series, p.number, p.succeeded_at, p.expires_at,
         spent.list::text as allocations
    from payment p
   cross join lateral (
     select coalesce(sum(a.amount) filter (where a.undone_at is null), 0)::bigint as amount,
            (count(*) + count(a.undone_at))::integer as changes,
            max(greatest(a.created_at, a.undone_at)) as changed_at,
            coalesce(json_agg(json_build_object(
              'id', a.id, 'invoiceId', a.invoice_id, 'refundId', a.refund_id, 'amount', a.amount,
              'createdAt', a.created_at, 'undoneAt', a.undone_at) order by a.id), '[]') as list
       from allocation a
      where a.clinic_id = p.clinic_id and a.payment_id = p.id) as spent;
grant select on shown_payment to appoint_server, appoint_across;
