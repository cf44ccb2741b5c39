-- A card payment that is pending for an invoice.
insert into payment (clinic_id, id, method, status, customer_id, currency, amount, invoice_id)
values (1, '00000001-0000-8000-8000-000000000451', 'card', 'pending', '00000000-0000-7000-8000-000000000001', 'EUR',
        1500, '00000001-0000-8000-8000-000000000441');
