-- Indexes for lists and sums of invoices.

-- Sums of what has been paid read only this index.
-- squawk-ignore require-concurrent-index-deletion -- the lock timeout keeps the wait short
drop index allocation_by_invoice;
-- squawk-ignore require-concurrent-index-creation
create index allocation_by_invoice on allocation (clinic_id, invoice_id) include (amount, undone_at)
  where invoice_id is not null;
-- squawk-ignore require-concurrent-index-creation
create index invoice_due on invoice (clinic_id, id) include (currency, total, due_on)
  where kind = 'invoice' and status = 'issued';
-- squawk-ignore require-concurrent-index-creation
create index invoice_draft on invoice (clinic_id, id) where status = 'draft';
