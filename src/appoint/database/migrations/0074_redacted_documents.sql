-- Rename the function that removes personal data from old invoices and receipts, and the policies for rendered PDFs.
-- No client uses the names of policies, and the function's old name is created again below.
-- squawk-ignore renaming-object
alter function forget_documents rename to redact_documents;
-- squawk-ignore renaming-object
alter policy drawn on invoice_pdf rename to rendered;
-- squawk-ignore renaming-object
alter policy drawn on receipt rename to rendered;

-- Only for the previous release, whose nightly job calls it. A later release drops it.
create function forget_documents(clinic integer, before timestamptz, at_most integer) returns integer
language sql volatile set search_path = public, pg_temp
  return redact_documents(clinic, before, at_most);
revoke execute on function forget_documents from public;
grant execute on function forget_documents to appoint_across;
