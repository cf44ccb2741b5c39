-- Sums of invoices by month and by appointment type read only this index, instead of each invoice's lines.

-- squawk-ignore require-concurrent-index-creation
create index invoice_line_amounts on invoice_line (clinic_id, invoice_id) include (appointment_id, gross, tax);
