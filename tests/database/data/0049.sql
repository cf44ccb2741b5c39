-- The PDF of the invoice.
insert into invoice_pdf (clinic_id, invoice_id, hash, content)
values (1, '00000001-0000-8000-8000-000000000441', encode(sha256('%PDF-1.7'), 'hex'), '%PDF-1.7');
