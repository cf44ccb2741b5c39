insert into appointment_bill (clinic_id, appointment_id, ended_at, settled_as, settled_at, currency, paid, kept,
                              returned, refund_to)
select clinic_id, id, now(), 'cancellation', now(), 'EUR', 5000, 2000, 3000, 'credit' from appointment limit 1;
