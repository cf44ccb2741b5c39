-- An issued invoice of 40 euros, of which 25 have been paid in cash, and a coupon.
insert into invoice (clinic_id, id, customer_id, currency, total, language)
values (1, '00000001-0000-8000-8000-000000000441', '00000000-0000-7000-8000-000000000001', 'EUR', 4000, 'en');
insert into invoice_line (clinic_id, invoice_id, position, description, unit_amount, includes_tax, tax_category,
                          tax_rate, net, tax, gross, first_cent)
values (1, '00000001-0000-8000-8000-000000000441', 1, 'Check-up', 4000, true, 'E', 0, 4000, 0, 4000, 0);
insert into number_series values (1, '2027');
insert into document_number (clinic_id, series, number, invoice_id)
values (1, '2027', 1, '00000001-0000-8000-8000-000000000441');
update invoice
   set status = 'issued', series = '2027', number = 1, issued_at = '2027-03-01', buyer = '{}', seller = '{}'
 where clinic_id = 1;
insert into payment (clinic_id, id, method, status, customer_id, currency, amount, succeeded_at)
values (1, '00000001-0000-8000-8000-000000000442', 'cash', 'succeeded', '00000000-0000-7000-8000-000000000001', 'EUR',
        2500, '2027-03-01');
insert into allocation (clinic_id, id, actor, payment_id, invoice_id, currency, amount, of_payment, of_target)
values (1, '00000001-0000-8000-8000-000000000443', 'user:mia', '00000001-0000-8000-8000-000000000442',
        '00000001-0000-8000-8000-000000000441', 'EUR', 2500, '[0,2500)', '[0,2500)');
insert into coupon (clinic_id, id, code, percent) values (1, '00000001-0000-8000-8000-000000000444', 'SPRING', 10);
