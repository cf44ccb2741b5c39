insert into payment_drift (clinic_id, kind, gateway_id, found_at, resolved_at)
values (1, 'payment-not-recorded', 'pi_1', now(), now());
