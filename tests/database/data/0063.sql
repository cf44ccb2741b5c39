-- A clinic that hands out its invoices itself.
update payment_policy set mails_invoices = false where appointment_type_id is null;
