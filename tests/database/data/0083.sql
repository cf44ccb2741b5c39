-- A draft for a service on an earlier day.
update invoice_line set supplied_on = '2027-02-01' where invoice_status = 'draft';
